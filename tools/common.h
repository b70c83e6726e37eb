/*
 * common.h - what every subcommand of `reel` shares: how a subcommand is described, messages, and
 * opening and closing the container.
 * Relies on src/fs/fs.h. Never prints anything but messages; text formats are in text.h.
 */
#ifndef REEL_TOOLS_COMMON_H
#define REEL_TOOLS_COMMON_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "fs.h"

/* Exit statuses. `reel check` uses STATUS_FAILED for faults and STATUS_USAGE for everything else. */
enum status {
	STATUS_OK = 0,
	STATUS_FAILED = 1,
	STATUS_USAGE = 2,
};

/* An option of a subcommand. A table of them ends with a zeroed one. */
struct flag {
	char name; /* its letter; also what args_have() is asked for */
	const char *long_name;
	const char *help;
	const char *argument; /* what to call its argument; NULL: it takes none */
};

/* A subcommand's command line, options taken out. */
struct args {
	bool given[UCHAR_MAX + 1];        /* by flag.name */
	const char *value[UCHAR_MAX + 1]; /* arguments of options, NULL where none was given; by flag.name */
	int n;                            /* operands; within the bounds of struct command */
	char **operand;
};

static inline bool args_have(const struct args *args, char flag)
{
	return args->given[(unsigned char)flag];
}

struct command {
	const char *name;
	const char *alias;    /* another name, or NULL */
	const char *synopsis; /* what follows the name on the usage line */
	const char *summary;  /* one line for the list of commands */
	const char *details;  /* for --help */
	const struct flag *flags;
	int min_operands, max_operands;
	bool options_first; /* nothing after the first operand is an option */
	int (*run)(const struct args *args);
};

extern const struct command cmd_init, cmd_ls, cmd_cat, cmd_write, cmd_copy, cmd_move, cmd_mv, cmd_rm, cmd_import, cmd_info,
    cmd_stat, cmd_keys, cmd_check, cmd_compact, cmd_convert;

/* --- messages ------------------------------------------------------------------------------------ */

/* The subcommand named in messages from now on; `name` must stay valid. */
void messages_for(const char *name);

/*
 * One line on standard error: "reel: COMMAND: PATH: TEXT". `path` may be NULL. Control characters
 * are shown as escapes, so that it stays one line.
 */
void complain(const char *path, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * complain() about `err`, a negative errno value, at `path`: in the library's own words when it left some,
 * and with `hint`, what to do about it, unless that is NULL.
 */
void complain_errno(const char *path, int err, const char *hint);

/* The log function for the library: keeps its errors and warnings for the functions below. */
void library_log(void *arg, int priority, const char *text);

/*
 * Moves the library's first error, or else its first warning, since the last message into buf and drops
 * the others; false: there is none. The complain functions for errno values do this by themselves.
 */
#define MESSAGE_MAX 4096
bool take_library_message(char buf[MESSAGE_MAX]);
void forget_library_message(void);

/* Moves the library's first warning into buf; false: there is none. */
bool take_library_warning(char buf[MESSAGE_MAX]);

/* Prints its warnings: the work they belong to went well. */
void show_library_warnings(void);

/* --- the container ------------------------------------------------------------------------------- */

struct container {
	const char *path;
	struct fs *fs;
	bool tree;   /* it holds a file system; otherwise entries only */
	bool is_new; /* it gets its name when it is closed */
};

enum access { FOR_READING, FOR_WRITING };

/*
 * Opens the container. For reading it takes no lock and changes nothing. Returns 0, or a negative
 * errno value after a message. Ends with container_close().
 */
int container_open(const char *path, enum access access, struct container *ret);

/* container_open() without messages: of errors complain_container() gives them, of warnings show_library_warnings(). */
int container_try(const char *path, enum access access, struct container *ret);

/*
 * For commands that read containers of the oldest generation: what one NUL byte is there. Given to container_take_nul() it
 * counts for every container that is opened from then on for reading; false, after a message: `args` says something else.
 */
#define FLAG_NUL                                                                                                               \
	{                                                                                                                      \
		'n', "nul", "what one NUL byte is in the oldest format: value, or deletion (default)", "MEANING"               \
	}
bool container_take_nul(const struct args *args);

/* How the library is opened by container_open(): its messages and progress come here. */
struct fs_options container_options(enum access access);

/* True when both paths lead to one file. */
bool same_file(const char *a, const char *b);

/* Makes an empty container. Returns 0, or a negative errno value after a message. */
int container_create(const char *path);

/*
 * Makes a new container with a file system, which gets its name with container_close(), and none if the process ends before by
 * container_abandon() or a signal. Returns 0, or a negative errno value after a message.
 */
int container_open_new(const char *path, struct container *ret);
/* Of such a container: it shall not get its name. */
void container_drop_new(void);

/* Says so if its last writer is a reelfs that was unmounted and still stores. The container is open for reading. */
void warn_storing(const struct container *c);

/* Closes it. A message and a negative errno value when what was changed could not be made durable. */
int container_close(struct container *c);

/*
 * Ends the process with STATUS_FAILED and leaves in the container just what is committed: data that is
 * buffered but not flushed is dropped, which closing would commit.
 */
void container_abandon(void) __attribute__((noreturn));

/* complain_errno() about the container itself, with what to do about it. */
void complain_container(const char *path, int err);

/* complain_errno() about something in the container, with what to do about it. */
void complain_path(const struct container *c, const char *path, int err);

#endif
