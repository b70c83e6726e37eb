/* keeper_protocol.h - what the daemon (keeper.c) and the keeper (keeper_main.c) say to each other. */
#ifndef REELFS_KEEPER_PROTOCOL_H
#define REELFS_KEEPER_PROTOCOL_H

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum keeper_op { KEEPER_MOUNTED, KEEPER_ASK_MARK, KEEPER_ASK_SYNC, KEEPER_ASK_END, KEEPER_RELEASE };

struct keeper_request {
	uint64_t serial; /* of the answer, too */
	uint64_t token;
	dev_t dev; /* KEEPER_MOUNTED: and the path, which the rest have none of */
	enum keeper_op op;
	char path[PATH_MAX];
};

struct keeper_answer {
	uint64_t serial;
	int result; /* 0 or a negative errno value */
};

/* In memory that both have. */
struct keeper_shared {
	atomic_long open; /* files and directories of the mount */
};

/* The keeper's life; `parent` is the daemon. */
void keeper_main(int socket, pid_t parent, struct keeper_shared *shared, bool auto_unmount) __attribute__((noreturn));

#endif
