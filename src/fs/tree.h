/*
 * tree.h - the tree in memory: inodes, dirents, extents, and the tables that find them.
 * It is changed by apply.c alone, with the records of transactions; that is what makes the state in
 * memory and the state after a replay the same (invariants T1 and T4, docs/DESIGN.md). It does no I/O and no
 * locking: the tree lock of struct fs protects all of it.
 */
#ifndef FS_TREE_H
#define FS_TREE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include "data.h"
#include "table.h"

struct inode;
struct open_state;

struct dirent {
	struct inode *parent;
	struct inode *child;
	struct dirent *same_hash;  /* the next one in this directory with the same name hash */
	struct dirent *next_name;  /* the next name of the same child */
	struct dirent **prev_name; /* what points to this one among them */
	uint64_t cookie;
	uint64_t hash; /* of the name */
	uint8_t len;
	char name[]; /* NUL-terminated */
};

/* A part of a file: contents in an entry. What no extent covers is a hole. */
struct extent {
	uint64_t offset; /* in the file */
	uint64_t len;
	struct data *data;
	uint64_t data_offset;
};

/* Sorted by offset, disjoint, every len at least 1, every data referenced once for each extent. */
struct extents {
	struct extent *at;
	uint32_t n, room;
	uint64_t bytes; /* in all of them */
	bool named;     /* they are the committed ones of an inode that has names */
};

struct xattr {
	struct xattr *next;
	uint32_t value_len;
	uint8_t name_len;
	char bytes[]; /* the name, a NUL, the value */
};

/* While a directory is open: what those who read it may have seen (N1). */
struct readings {
	unsigned n;           /* how often it is open */
	bool cached;          /* one of them has what it reads cached by the kernel */
	_Atomic uint64_t end; /* the newest cookie that one of them ends at, or an earlier reading did */
	unsigned gone_n;      /* at most READINGS_GONE */
	struct table gone;    /* names that have left it since it was not open, by hash: their cookies, or GONE_SEVERAL */
};

#define GONE_SEVERAL ((void *)1) /* no name has this cookie */

/* Past that, a name that a reading has told may come again as that of another file. */

#define READINGS_GONE 4096

struct directory {
	struct table by_hash; /* of the name */
	struct table by_cookie;
	uint64_t next_cookie;
	uint64_t changes;          /* of its names, since the container was opened */
	uint64_t cached_at;        /* 1 + `changes` when a reading that is cached began last; 0: none did (E4) */
	struct readings *readings; /* NULL: it is not open. Changed under the tree lock alone */
};

struct inode {
	uint64_t ino;
	uint32_t mode, nlink, uid, gid;
	uint64_t rdev;
	uint64_t size; /* as committed; what open descriptors see may differ (open.h) */
	struct timespec atime, mtime, ctime, btime;
	struct dirent *names;
	struct xattr *xattrs;
	struct extents extents; /* as committed */
	union {
		struct directory *dir; /* directories */
		char *target;          /* symbolic links */
	};
	_Atomic uint64_t lookups; /* lookup count of the kernel */
	/*
	 * The second from which reading it can change atime; 0: each time has to be looked at. Written under the tree
	 * lock (for reading: only to 0), read without it.
	 */
	_Atomic int64_t atime_due;
	bool removed;            /* it has had names, and cannot have one again */
	struct open_state *open; /* while the inode is open or being changed; NULL otherwise */
};

/* A key that wants a tombstone, since the entry under it died. */
struct dead_key {
	uint64_t key_hash, len;
	uint32_t crc;
};

struct tree {
	struct table inodes; /* by number */
	struct data_table data;
	uint64_t next_ino;
	uint64_t hash_seed; /* of name hashes: random in each mount */
	struct dead_key *dead;
	size_t dead_n, dead_room;
	uint64_t most;            /* memory that the process may have allocated for records to be applied; 0: any (memory.h) */
	uint64_t applied;         /* bytes of records since that was looked at */
	struct number_set atimes; /* inodes whose atime no transaction has yet (T4) */
	/* Sums over the inodes that have names, for statfs and info. */
	uint64_t files, directories, regular, bytes;
};

#define TREE_FIRST_COOKIE 3 /* 1 is ".", 2 is ".." */

/* Of inodes and cookies that a container may begin with: the numbers above are not used up while it is open. */
#define TREE_NUMBER_MAX ((uint64_t)1 << 62)

/* Needs no ending but tree_free(). */
void tree_init(struct tree *t);
void tree_free(struct tree *t);

struct inode *tree_inode(const struct tree *t, uint64_t ino);
/* A new inode without names; -EEXIST, -ENOMEM. */
int tree_inode_new(struct tree *t, uint64_t ino, uint32_t mode, struct inode **ret);
/* Frees it, its contents, names inside it excepted: a directory must be empty. */
void tree_inode_free(struct tree *t, struct inode *i);
/* Frees it if nothing keeps it: names, the kernel's lookups, open descriptors. */
void tree_inode_settle(struct tree *t, struct inode *i);

/* Whether it can be the name of a dirent: 1 to FS_NAME_MAX bytes without '/' and NUL, not "." nor "..". */
bool tree_name_sound(const char *name, size_t len);
struct dirent *tree_dirent(const struct tree *t, const struct inode *dir, const char *name, size_t len);
/* Adds or redirects a name. */
int tree_dirent_set(struct tree *t, struct inode *dir, const char *name, size_t len, struct inode *child, uint64_t cookie);
void tree_dirent_remove(struct tree *t, struct dirent *d);
bool tree_dir_empty(const struct inode *dir);
/*
 * Counts who has the directory open; -ENOMEM. *cached: that one may have the kernel cache what it reads, and is to say so
 * when it ends.
 */
int tree_dir_open(struct inode *dir, bool *cached);
void tree_dir_close(struct inode *dir, bool cached);
/* A reading begins. Several may at once, with the tree lock held for reading. */
void tree_dir_begin(struct inode *dir);
/* Whether who has the directory open may have seen the name elsewhere than at `cookie`. */
bool tree_name_was_seen(const struct tree *t, const struct inode *dir, const char *name, size_t len, uint64_t cookie);
/* Whether the cookie is past the end of all readings of the directory that have begun, and some have. */
bool tree_cookie_is_unread(const struct inode *dir, uint64_t cookie);
/* The directory that a directory is in; itself for the root and for one that was removed. */
struct inode *tree_parent(const struct inode *dir);

/* Room for any path that is used as a key, and for what tells that a path is longer. */
#define PATH_LONGEST 4096
#define PATH_ROOM    (PATH_LONGEST + 256)

/*
 * The path from the root without leading slash, NUL-terminated, by the inode's first name (or ending
 * in the given one). Cut at the front with "..." where buf is too small. Returns its length.
 */
size_t tree_path(const struct inode *i, const struct dirent *last, char *buf, size_t size);

struct xattr *tree_xattr(const struct inode *i, const char *name, size_t name_len);
int tree_xattr_set(struct inode *i, const char *name, size_t name_len, const void *value, size_t len);
void tree_xattr_remove(struct inode *i, const char *name, size_t name_len);

/* --- extents (extents.c) ------------------------------------------------------------------------ */

/* The first extent that ends after `offset`; n: none. */
uint32_t extents_find(const struct extents *e, uint64_t offset);
/* Whether one has a byte of [start, end). */
bool extents_any(const struct extents *e, uint64_t start, uint64_t end);
/* Takes away [start, end). */
int extents_remove(struct tree *t, struct extents *e, uint64_t start, uint64_t end);
/*
 * Puts one in, replacing what is in its range. Takes a reference to its data. With neighbours that continue it in the
 * same data it becomes one extent.
 */
int extents_put(struct tree *t, struct extents *e, const struct extent *x);
/* The inode of these extents has got its first name, or lost its last one: that keeps, or ends, the keys of their data. */
void extents_set_named(struct tree *t, struct extents *e, bool named);
/* A second list, of no name, with references of its own. */
int extents_copy(const struct extents *from, struct extents *to);
void extents_clear(struct tree *t, struct extents *e);
/* Remembers in t->dead that this entry is of no use to anyone any more. */
void tree_key_died(struct tree *t, const struct dead_key *key);
/* Drops one reference to data; remembers a key that died by it in t->dead. */
void tree_data_unref(struct tree *t, struct data *d);

#endif
