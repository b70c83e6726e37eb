/*
 * salvage.h - what the parts of fs_repair() share. The seals that are left are found (salvage_seals.c), their
 * records applied as far as they make sense (salvage_replay.c), contents checked and what is left without a name
 * given one (salvage_files.c, salvage_names.c), ACLs brought together with their modes (salvage_acls.c), so that the tree is
 * sound; then it is copied as a compaction does. The tree changes by records only, made up ones included (invariant T1).
 */
#ifndef FS_SALVAGE_H
#define FS_SALVAGE_H

#include "record.h"
#include "seal.h"
#include "state.h"

struct found_seal {
	uint64_t sequence;
	uint64_t position, end; /* of the seal, and of its entry */
	uint64_t append_start;
	uint32_t flags;
	bool sound;            /* so is the body */
	bool is_first;         /* a transaction, and there never was one before it */
	bool after_checkpoint; /* the seal before it was a checkpoint */
	bool used;             /* salvage_use() was asked */
	/* Where a byte was wrong, or NULL. */
	struct fs_seal *mended_header;
	uint8_t *mended_body;
};

/* Bytes that belong to no transaction that is left. */
struct found_range {
	uint64_t start, end;
};

struct salvage {
	struct fs *fs; /* read-only; its store shows all bytes of the file */
	struct reel_view view;
	fs_check_fn fn;
	void *arg;
	struct fs_repair result;

	bool unsealed;  /* the superblock is lost: seals are believed that agree with each other */
	uint8_t id[16]; /* of the container, then */
	bool has_id;
	struct found_seal *seal; /* in the order of the file, which is that of their sequence numbers */
	size_t n, room;
	uint64_t to_hash;       /* how many more bytes of damaged bodies are hashed */
	unsigned headers_tried; /* how many were tried to be mended */

	uint64_t gaps;             /* transactions are missing before the one that is being applied */
	struct found_range *range; /* where those were */
	size_t ranges;
	uint64_t steps;           /* how many more are gone on the ways to names */
	uint64_t repathed;        /* files whose names were proved by the keys of their contents */
	bool unnamed;             /* there is neither a checkpoint nor all transactions */
	uint64_t unnamed_end;     /* up to here lies what an only checkpoint spoke of, which is lost; 0: none is */
	struct table known;       /* inodes whose contents were set as a whole since the last gap */
	struct table mixed;       /* inodes whose contents may be of different times */
	struct table named;       /* with names lost: inode to what may be a record of its name */
	struct table paths;       /* hash of a path that such records make to the last of them */
	struct number_set needed; /* positions of entries that files need, or may have needed */
	struct number_set newer;  /* with names lost: keys of which a newer entry was met */
	uint64_t end;             /* of the last transaction that was applied */
	struct inode *found;      /* the directory lost+found; NULL: there was no need */
	uint64_t done, total;     /* bytes, for progress */
	uint64_t asked_reads;     /* when it was asked last whether what could not be read can be; seconds */
};

/* One line about something that is not whole. */
void salvage_tell(struct salvage *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* To be called after so many bytes of the file were read. A negative result ends the repair. */
int salvage_progress(struct salvage *s, uint64_t bytes);
/* Applies made-up records and empties the body. */
int salvage_apply(struct salvage *s, struct body *b);
/* Any pointer that is not NULL, for the tables. */
extern char salvage_mark;

/* salvage_seals.c: finds fs->super, or what there is instead of it, and all seals. -ENOENT: there are none. */
int salvage_find(struct salvage *s);
struct fs_seal salvage_header(const struct salvage *s, const struct found_seal *f);
const uint8_t *salvage_body(const struct salvage *s, const struct found_seal *f);

/* salvage_mend.c */
/* The header that is at `position` but for one wrong byte. */
bool salvage_mend_header(struct salvage *s, uint64_t position, struct fs_seal *ret);
/* Whether a seal is sound, or is now that one byte of it was put right, which is told. To be asked before it is used. */
bool salvage_use(struct salvage *s, struct found_seal *f);

/* salvage_replay.c: the newest checkpoint that can be read, and what came after it. */
int salvage_replay(struct salvage *s);

/* salvage_names.c */
/* Makes the tree one: every inode that has links has names, every directory is reached, link counts are right. */
int salvage_names(struct salvage *s);

/* salvage_acls.c */
/* Takes away ACLs that are none, and makes the others say what the mode does. */
int salvage_acls(struct salvage *s);
/* The root directory, made where there is none. */
int salvage_root(struct salvage *s);
/* The directory lost+found, made at first use. */
int salvage_lost_found(struct salvage *s, struct inode **ret);
/* A name that is free in a directory: at most FS_NAME_MAX bytes of `wanted`, with `suffix` and a number if need be. */
void salvage_free_name(const struct salvage *s, const struct inode *dir, const char *wanted, const char *suffix,
		       char ret[FS_NAME_MAX + 1]);

/* salvage_paths.c */
/* With names lost: finds paths in checkpoints that are damaged. */
int salvage_paths(struct salvage *s);
/* 1: the directory, made if need be, and the free name in it that the key of these contents is of. 0: none is known. */
int salvage_path_of(struct salvage *s, const struct reel_entry *e, struct inode **dir, char name[FS_NAME_MAX + 1]);

/* salvage_count.c */
/* Counts what became of each entry with contents. */
int salvage_count(struct salvage *s);
/* A superblock, a seal, or the entry that says how far the container goes: no contents. */
bool salvage_is_own(const struct salvage *s, const struct reel_entry *e);

/* salvage_files.c */
/* Cuts what is damaged out of all files, and marks their names. */
int salvage_files(struct salvage *s);
/* Entries between start and end, in what no transaction speaks of: whole contents become files in lost+found. */
int salvage_entries(struct salvage *s, uint64_t start, uint64_t end);
/* The same of what an only checkpoint spoke of that is lost, with the names that can be had. */
int salvage_unnamed(struct salvage *s);

#endif
