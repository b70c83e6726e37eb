/*
 * layout.h - the bytes of what reelfs itself puts into a container: the superblock, the header that
 * seals transactions and checkpoints, and their records. docs/FORMAT.md tells the same in prose.
 *
 * All numbers are little-endian. Every structure here is the payload of an entry, or part of one,
 * and payloads begin at multiples of 64, so the fields are aligned in the mapping.
 *
 *   container  = entries (src/store/format.h)
 *   superblock = struct fs_super                       the first entry of a container made by reelfs
 *   whole      = struct fs_whole                       the second, where all of it was written at once
 *   sealed     = struct fs_seal, body                  a transaction or a checkpoint
 *   body       = records
 *   record     = struct fs_record, its structure, what it carries, 0 to 7 zero bytes
 *
 * Nothing here does anything but describe.
 */
#ifndef FS_LAYOUT_H
#define FS_LAYOUT_H

#include <stdint.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the structures are used in place and are little-endian");

/*
 * Keys begin with a NUL byte, which no path does.
 *   superblock    "\0reelfs\0superblock"
 *   whole         "\0reelfs\0whole"
 *   checkpoint    "\0reelfs\0checkpoint"
 *   transaction   "\0reelfs\0transaction\0" sequence:u64
 *   contents      the file's path, or, where that key is taken: "\0reelfs\0contents\0" sequence:u64 offset:u64
 */
#define FS_KEY_SUPER       "\0reelfs\0superblock"
#define FS_KEY_WHOLE       "\0reelfs\0whole"
#define FS_KEY_CHECKPOINT  "\0reelfs\0checkpoint"
#define FS_KEY_TRANSACTION "\0reelfs\0transaction\0"
#define FS_KEY_CONTENTS    "\0reelfs\0contents\0"

#define FS_SUPER_MAGIC    "REELFSSB"
#define FS_WHOLE_MAGIC    "REELFSWH"
#define FS_SEAL_MAGIC     "REELFSTX"
#define FS_LAYOUT_VERSION 1
#define FS_SECRET_SIZE    192

/* Who a container is. Trusted only where docs/DESIGN.md, "Opening", says so. */
struct fs_super {
	uint8_t magic[8];               /* FS_SUPER_MAGIC */
	uint32_t version;               /* FS_LAYOUT_VERSION */
	uint32_t size;                  /* of this structure */
	uint8_t container_id[16];       /* random */
	uint8_t secret[FS_SECRET_SIZE]; /* random; keys the seals */
	uint64_t created_ns;            /* ns since 1970 */
	uint64_t position;              /* container offset of this structure when it was written */
	uint64_t check;                 /* XXH3-64 of all that is before */
};
_Static_assert(sizeof(struct fs_super) == 248, "layout");

/*
 * Says at the front of a container that was written as a whole with which seal that ended: one that is older, or none, is
 * the newest in a copy that is not complete (whole.c).
 */
struct fs_whole {
	uint8_t magic[8]; /* FS_WHOLE_MAGIC */
	uint32_t version; /* FS_LAYOUT_VERSION */
	uint32_t size;    /* of this structure */
	uint8_t container_id[16];
	uint64_t position;         /* container offset of this structure: behind the superblock */
	uint64_t end;              /* where that seal's entry ends; UINT64_MAX: it was not yet written */
	uint64_t sequence;         /* of that seal; UINT64_MAX likewise */
	int64_t time_ns;           /* ns since 1970 */
	uint8_t authenticator[16]; /* as in a seal */
};
_Static_assert(sizeof(struct fs_whole) == 80, "layout");

enum fs_seal_flags {
	FS_SEAL_CHECKPOINT = 1 << 0, /* the body is the complete state; otherwise the changes of a transaction */
	FS_SEAL_CLEAN = 1 << 1,      /* its writer ended after it: entries that follow are other programs' */
	FS_SEAL_OPEN = 1 << 2,       /* the first transaction of a writer */
};
/* The number of the writer, in the flags: drawn anew by each; 0: one that drew none. */
#define FS_SEAL_WRITER_SHIFT 16u

/* Begins every transaction and checkpoint, and makes it unforgeable. */
struct fs_seal {
	uint8_t magic[8]; /* FS_SEAL_MAGIC */
	uint32_t version; /* FS_LAYOUT_VERSION */
	uint32_t flags;   /* enum fs_seal_flags */
	uint8_t container_id[16];
	uint64_t sequence;     /* grows by one with each seal; replay is in this order */
	int64_t time_ns;       /* ns since 1970 */
	uint64_t position;     /* container offset of this structure when it was written */
	uint64_t append_start; /* the tail before the append that it ends: contents lie between */
	uint64_t durable;      /* a tail known to be on stable storage when it was written */
	uint64_t previous;     /* position of the seal before it; UINT64_MAX: none */
	uint64_t checkpoint;   /* position of the newest checkpoint before it; UINT64_MAX: none */
	uint64_t body_len;
	uint64_t body_hash;        /* XXH3-64 of the body, keyed with the secret */
	uint8_t authenticator[16]; /* XXH3-128 of all that is before, keyed with the secret, canonical bytes */
};
_Static_assert(sizeof(struct fs_seal) == 120, "layout");

#define FS_NO_POSITION UINT64_MAX

/* Records are states, not deltas: applying one twice is applying it once. */
enum fs_record_type {
	FS_RECORD_STATE = 1,    /* struct fs_record_state */
	FS_RECORD_INODE = 2,    /* struct fs_record_inode */
	FS_RECORD_TOUCH = 3,    /* struct fs_record_touch */
	FS_RECORD_SYMLINK = 4,  /* struct fs_record_symlink, the target */
	FS_RECORD_DIRENT = 5,   /* struct fs_record_dirent, the name */
	FS_RECORD_UNDIRENT = 6, /* struct fs_record_undirent, the name */
	FS_RECORD_XATTR = 7,    /* struct fs_record_xattr, the name, the value */
	FS_RECORD_UNXATTR = 8,  /* struct fs_record_xattr, the name */
	FS_RECORD_DATA = 9,     /* struct fs_record_data, sums × uint32_t */
	FS_RECORD_EXTENTS = 10, /* struct fs_record_extents, count × struct fs_record_extent */
	FS_RECORD_ATIMES = 11,  /* struct fs_record_atimes, steps */
};

struct fs_record {
	uint32_t type; /* enum fs_record_type; an unknown one ends the reading with an error */
	uint32_t len;  /* of this header and what it heads, without the zero bytes after it */
};

struct fs_time {
	int64_t sec;   /* since 1970, may be negative */
	uint32_t nsec; /* 0 to 999,999,999 */
	uint32_t zero;
};

struct fs_record_state {
	uint64_t next_ino; /* inode numbers below have been used */
};

/* An inode's attributes. A size below the present one cuts its extents there. nlink 0: it ends. */
struct fs_record_inode {
	uint64_t ino;
	uint32_t mode;
	uint32_t nlink;
	uint32_t uid, gid;
	uint64_t rdev;
	uint64_t size;
	struct fs_time atime, mtime, ctime, btime;
};

/* A directory's mtime and ctime, and its link count. */
struct fs_record_touch {
	uint64_t ino;
	uint32_t nlink;
	uint32_t zero;
	struct fs_time time;
};

struct fs_record_symlink {
	uint64_t ino;
};

struct fs_record_dirent {
	uint64_t parent;
	uint64_t ino;
	uint64_t cookie; /* the order of readdir in this directory; 3 and up */
};

struct fs_record_undirent {
	uint64_t parent;
};

struct fs_record_xattr {
	uint64_t ino;
	uint32_t name_len;
	uint32_t value_len;
};

/*
 * An entry that holds contents. A payload longer than FS_BLOCK has one CRC-32 for each FS_BLOCK
 * bytes of it, so that a part can be checked alone; 0 of them: only the whole can.
 */
struct fs_record_data {
	uint64_t position; /* container offset of the payload */
	uint64_t len;
	uint64_t key_hash;
	uint32_t crc; /* of the payload, as in the trailer */
	uint32_t sums;
	uint32_t flags; /* enum fs_data_flags */
	uint32_t zero;
};

enum fs_data_flags {
	FS_DATA_UNKEYED = 1 << 0, /* its key no longer stands for it */
};

#define FS_BLOCK 65536u

enum fs_extents_flags {
	FS_EXTENTS_REPLACE = 1 << 0, /* these are all the extents; otherwise each replaces what is in its range */
};

struct fs_record_extents {
	uint64_t ino;
	uint32_t flags;
	uint32_t count;
};

/* What is in no extent is a hole. An extent without a position makes its range one. */
struct fs_record_extent {
	uint64_t offset; /* in the file */
	uint64_t len;
	uint64_t position;    /* of the payload of the entry (struct fs_record_data); FS_NO_POSITION: a hole */
	uint64_t data_offset; /* in the payload; 0 for a hole */
};

/*
 * Access times of many inodes. What follows is for each of them how much its inode number is above that of the one
 * before (at first 0), and how many ns its time is after that of the one before (at first `time`): n later as 2n,
 * n earlier as 2n - 1. These numbers have seven bits in each byte, the lowest first; 128 is added to all bytes
 * of a number but its last.
 */
struct fs_record_atimes {
	struct fs_time time;
};

#endif
