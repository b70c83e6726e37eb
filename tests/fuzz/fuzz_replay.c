/*
 * fuzz_replay.c - the bytes are a description of a container whose seals are all good, as someone makes it who
 * has its secret: contents, tombstones, transactions and checkpoints of any records in any order, with numbers
 * that are near what they should be. Replay must refuse it, or work with it for good (exercise.c).
 *
 * The description's first byte says whether another program has compacted the container since. Then comes
 * a sequence of appends; the first byte of each says what it is (make_append()), and those after it
 * what is in it. What is missing at its end is 0.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "build.h"
#include "format.h"
#include "fuzz.h"
#include "record.h"
#include "seal.h"

enum {
	PLACED = 64,
	NAME_MAX_ODD = 300, /* longer than names may be */
	RAW_MAX = 2000,
	SUMS = 8,
	EXTENTS = 16,
	CONTENTS_MAX = 150000,
};

struct maker {
	struct bytes in;
	struct build out;
	struct fs_super super;
	struct place place[PLACED];
	unsigned n_places;
	uint64_t sequence, last_seal, last_checkpoint, append_start;
	uint64_t moved; /* what is added to the places that the superblock and the seals name */
	struct body body;
};

static uint64_t pick_ino(struct maker *m)
{
	uint8_t b = bytes_u8(&m->in);

	return b < 0xf0 ? b % 12 : bytes_number(&m->in);
}

static struct place pick_place(struct maker *m)
{
	uint8_t b = bytes_u8(&m->in);
	struct place p = {0};

	if (m->n_places > 0)
		p = m->place[b % (m->n_places < PLACED ? m->n_places : PLACED)];
	if (b >= 0xf0)
		p.offset = bytes_number(&m->in);
	return p;
}

static size_t pick_text(struct maker *m, char *ret)
{
	size_t len = bytes_u8(&m->in);
	const uint8_t *p;

	if (len < 0xe0) {
		ret[0] = (char)('a' + len % 8);
		return 1;
	}
	len = (len - 0xe0) * 9;
	p = bytes_take(&m->in, &len);
	if (len)
		memcpy(ret, p, len);
	return len;
}

static struct fs_time pick_time(struct maker *m)
{
	return (struct fs_time){(int64_t)bytes_number(&m->in), (uint32_t)bytes_number(&m->in), 0};
}

static uint32_t pick_mode(struct maker *m)
{
	static const uint32_t types[] = {S_IFREG, S_IFDIR, S_IFLNK, S_IFREG, S_IFDIR, S_IFIFO, S_IFCHR, 0};
	uint8_t b = bytes_u8(&m->in);

	return b < 0xf8 ? types[b % 8] | 0600 : (uint32_t)bytes_number(&m->in);
}

static void add_inode(struct maker *m)
{
	struct fs_record_inode r = {
	    .ino = pick_ino(m),
	    .mode = pick_mode(m),
	    .nlink = (uint32_t)bytes_number(&m->in),
	    .size = bytes_number(&m->in),
	};
	uint8_t b = bytes_u8(&m->in);

	if (b & 1)
		r.rdev = bytes_number(&m->in);
	if (b & 2) {
		r.atime = pick_time(m);
		r.mtime = pick_time(m);
		r.ctime = pick_time(m);
		r.btime = pick_time(m);
	}
	if (b & 4)
		r.uid = r.gid = (uint32_t)bytes_number(&m->in);
	body_inode(&m->body, &r);
}

static void add_data(struct maker *m)
{
	struct place p = pick_place(m);
	struct fs_record_data r = {p.offset, p.len, p.key_hash, p.crc, 0, 0, 0};
	uint8_t b = bytes_u8(&m->in);
	uint32_t sum[SUMS] = {0};
	uint64_t blocks = (p.len + FS_BLOCK - 1) / FS_BLOCK;

	if (b & 1)
		r.len = bytes_number(&m->in);
	if (b & 2)
		r.key_hash = bytes_u64(&m->in);
	if (b & 4)
		r.crc = (uint32_t)bytes_number(&m->in);
	if (b & 8)
		r.flags = bytes_u8(&m->in);
	if (b & 16)
		r.sums = bytes_u8(&m->in) % (SUMS + 1);
	else if (p.len > FS_BLOCK && blocks <= SUMS)
		r.sums = (uint32_t)blocks;
	for (uint32_t i = 0; i < r.sums; i++) {
		uint64_t at = (uint64_t)i * FS_BLOCK;
		if (p.offset <= m->out.size && p.len <= m->out.size - p.offset && at < p.len)
			sum[i] = reel_crc32(0, m->out.bytes + p.offset + at, p.len - at < FS_BLOCK ? p.len - at : FS_BLOCK);
	}
	body_data(&m->body, &r, sum);
}

static void add_extents(struct maker *m)
{
	struct fs_record_extent x[EXTENTS];
	uint64_t ino = pick_ino(m), at = 0;
	uint8_t flags = bytes_u8(&m->in), n = bytes_u8(&m->in) % (EXTENTS + 1);

	for (unsigned i = 0; i < n; i++) {
		struct place p = pick_place(m);
		uint8_t b = bytes_u8(&m->in);

		x[i] = (struct fs_record_extent){at, p.len, p.offset, 0};
		if (b & 1)
			x[i].offset = bytes_number(&m->in);
		if (b & 2)
			x[i].len = bytes_number(&m->in);
		if (b & 4)
			x[i].data_offset = bytes_number(&m->in);
		at = x[i].offset + x[i].len;
	}
	body_extents(&m->body, ino, flags & 0x80 ? flags : flags & 1, x, n);
}

/* Any type, and any bytes behind its header. */
static void add_raw(struct maker *m)
{
	uint32_t type = bytes_u8(&m->in);
	size_t len = bytes_u16(&m->in) % RAW_MAX;
	const uint8_t *p = bytes_take(&m->in, &len);

	body_add(&m->body, type, p, len, NULL, 0);
}

/* Names of attributes, those of ACLs too. */
static size_t pick_xattr_name(struct maker *m, char *ret)
{
	static const char *const names[] = {
	    "user.a", "user.b", "system.posix_acl_access", "system.posix_acl_default", "security.capability", "trusted.a"};
	uint8_t b = bytes_u8(&m->in);

	if (b >= 0xe0)
		return pick_text(m, ret);
	strcpy(ret, names[b % 6]);
	return strlen(ret);
}

static void add_xattr(struct maker *m, bool set)
{
	char name[NAME_MAX_ODD], value[NAME_MAX_ODD];
	uint64_t ino = pick_ino(m);
	size_t len = pick_xattr_name(m, name);

	if (set)
		body_xattr(&m->body, ino, name, len, value, pick_text(m, value));
	else
		body_unxattr(&m->body, ino, name, len);
}

/* A batch of access times, of which the steps are any bytes. */
static void add_atimes(struct maker *m)
{
	struct fs_record_atimes r = {pick_time(m)};
	size_t len = bytes_u8(&m->in) % 64;
	const uint8_t *p = bytes_take(&m->in, &len);
	struct iovec steps = {(void *)p, len};

	body_add(&m->body, FS_RECORD_ATIMES, &r, sizeof(r), &steps, 1);
}

static void add_symlink(struct maker *m)
{
	char target[NAME_MAX_ODD + 1];
	uint64_t ino = pick_ino(m);

	target[pick_text(m, target)] = 0;
	body_symlink(&m->body, ino, target);
}

static void add_dirent(struct maker *m, bool set)
{
	char name[NAME_MAX_ODD];
	uint64_t parent = pick_ino(m), ino, cookie;
	size_t len;

	if (!set) {
		len = pick_text(m, name);
		body_undirent(&m->body, parent, name, len);
		return;
	}
	ino = pick_ino(m);
	cookie = bytes_number(&m->in);
	len = pick_text(m, name);
	body_dirent(&m->body, parent, ino, cookie, name, len);
}

static void add_touch(struct maker *m)
{
	uint64_t ino = pick_ino(m);
	uint32_t nlink = (uint32_t)bytes_number(&m->in);
	struct timespec t = {(time_t)bytes_number(&m->in), (long)bytes_u8(&m->in)};

	body_touch(&m->body, ino, nlink, &t);
}

static void add_record(struct maker *m)
{
	switch (bytes_u8(&m->in) % 15) {
	case 0:
		body_state(&m->body, bytes_number(&m->in));
		break;
	case 1:
	case 2:
		add_inode(m);
		break;
	case 3:
		add_touch(m);
		break;
	case 4:
		add_symlink(m);
		break;
	case 5:
	case 6:
		add_dirent(m, true);
		break;
	case 7:
		add_dirent(m, false);
		break;
	case 8:
		add_xattr(m, true);
		break;
	case 9:
		add_xattr(m, false);
		break;
	case 10:
		add_data(m);
		break;
	case 11:
	case 12:
		add_extents(m);
		break;
	case 13:
		add_atimes(m);
		break;
	default:
		add_raw(m);
	}
}

/* The root directory, and a file `a` where there are contents: what most mutations can begin with. */
static void add_tree(struct maker *m)
{
	struct fs_record_inode root = {.ino = 1, .mode = S_IFDIR | 0755, .nlink = 2},
			       file = {.ino = 2, .mode = S_IFREG | 0644, .nlink = 1};
	struct place p = pick_place(m);

	body_inode(&m->body, &root);
	if (p.len == 0)
		return;
	file.size = p.len;
	body_inode(&m->body, &file);
	body_dirent(&m->body, 1, 2, 3, "a", 1);
	if (p.len <= FS_BLOCK) {
		struct fs_record_data d = {p.offset, p.len, p.key_hash, p.crc, 0, 0, 0};
		struct fs_record_extent x = {0, p.len, p.offset, 0};

		body_data(&m->body, &d, NULL);
		body_extents(&m->body, 2, FS_EXTENTS_REPLACE, &x, 1);
	}
}

static void make_seal(struct maker *m, uint32_t flags)
{
	struct fs_seal seal = {
	    .flags = flags,
	    .sequence = ++m->sequence,
	    .position = build_next(&m->out),
	    .append_start = m->append_start,
	    .durable = m->append_start,
	    .previous = m->last_seal,
	    .checkpoint = m->last_checkpoint,
	};
	uint8_t odd = bytes_u8(&m->in), *whole;
	unsigned records = bytes_u8(&m->in) % 40;

	if (odd & 1)
		add_tree(m);
	for (unsigned i = 0; i < records && m->in.left > 0; i++)
		add_record(m);
	if (odd >= 0xf0) {
		uint64_t *field[] = {&seal.sequence, &seal.append_start, &seal.durable,
				     &seal.previous, &seal.checkpoint,   &seal.position};

		*field[bytes_u8(&m->in) % 6] = bytes_number(&m->in);
	}
	if (odd >= 0xe0 && odd < 0xf0 && m->body.len > 0)
		m->body.len -= bytes_u8(&m->in) % m->body.len;
	seal.position += m->moved;
	seal_make(&m->super, &seal, m->body.bytes, m->body.len);
	whole = malloc(sizeof(seal) + m->body.len);
	FUZZ_CHECK(whole, "no memory");
	memcpy(whole, &seal, sizeof(seal));
	if (m->body.len)
		memcpy(whole + sizeof(seal), m->body.bytes, m->body.len);
	(void)build_entry(&m->out, seal_key_hash(&seal), whole, sizeof(seal) + m->body.len, NULL);
	free(whole);
	body_free(&m->body);
	seal.position -= m->moved;
	m->last_seal = seal.position;
	if (flags & FS_SEAL_CHECKPOINT)
		m->last_checkpoint = seal.position;
	m->append_start = m->out.size;
}

static void make_contents(struct maker *m)
{
	static uint8_t payload[CONTENTS_MAX];
	uint8_t kind = bytes_u8(&m->in);
	size_t len = kind < 0x80 ? kind : bytes_number(&m->in) % CONTENTS_MAX, given = len < 100 ? len : 100;
	const uint8_t *p = bytes_take(&m->in, &given);
	uint64_t key = kind % 4 ? reel_hash((const char[]){(char)('a' + kind % 8)}, 1) : contents_key_hash(m->sequence, kind);

	if (len == 0)
		return;
	memset(payload, 1 + kind, len);
	if (given)
		memcpy(payload, p, given);
	if (len == 1 && payload[0] == 0)
		payload[0] = 1;
	if (build_entry(&m->out, key, payload, len, &m->place[m->n_places % PLACED]))
		m->n_places++;
}

static void make_append(struct maker *m)
{
	uint8_t kind = bytes_u8(&m->in);

	switch (kind % 8) {
	case 0:
	case 1:
		make_contents(m);
		break;
	case 2:
		(void)build_tombstone(&m->out, reel_hash((const char[]){(char)('a' + kind / 8 % 8)}, 1));
		break;
	case 3:
	case 4:
		make_seal(m, FS_SEAL_CHECKPOINT);
		break;
	case 5:
		make_seal(m, FS_SEAL_OPEN);
		break;
	case 6:
		make_seal(m, FS_SEAL_CLEAN);
		break;
	default:
		make_seal(m, kind / 8);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t secret[FS_SECRET_SIZE] = "not a secret";
	struct maker m = {.in = {data, size}, .last_seal = FS_NO_POSITION, .last_checkpoint = FS_NO_POSITION};
	const char *path = fuzz_path("c");

	build_init(&m.out, GENERATION_NEWEST);
	m.super = (struct fs_super){.version = FS_LAYOUT_VERSION, .size = sizeof(m.super)};
	memcpy(m.super.magic, FS_SUPER_MAGIC, sizeof(m.super.magic));
	memcpy(m.super.secret, secret, sizeof(secret));
	m.moved = bytes_u8(&m.in) & 1 ? 640 : 0;
	super_place(&m.super, m.moved);
	(void)build_entry(&m.out, reel_hash(FS_KEY_SUPER, sizeof(FS_KEY_SUPER) - 1), &m.super, sizeof(m.super), NULL);
	m.append_start = m.out.size;
	while (m.in.left > 0 && m.out.size < BUILD_MAX / 2)
		make_append(&m);
	fuzz_clean();
	fuzz_store(path, m.out.bytes, m.out.size);
	build_free(&m.out);
	exercise(path, reel_hash(data, size));
	return 0;
}
