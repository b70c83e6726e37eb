/*
 * record.c - see record.h. Reads bytes that may be hostile: no length is believed before it was
 * compared with what is there.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "record.h"
#include "tree.h"

static const size_t fixed_size[] = {
    [FS_RECORD_STATE] = sizeof(struct fs_record_state),   [FS_RECORD_INODE] = sizeof(struct fs_record_inode),
    [FS_RECORD_TOUCH] = sizeof(struct fs_record_touch),   [FS_RECORD_SYMLINK] = sizeof(struct fs_record_symlink),
    [FS_RECORD_DIRENT] = sizeof(struct fs_record_dirent), [FS_RECORD_UNDIRENT] = sizeof(struct fs_record_undirent),
    [FS_RECORD_XATTR] = sizeof(struct fs_record_xattr),   [FS_RECORD_UNXATTR] = sizeof(struct fs_record_xattr),
    [FS_RECORD_DATA] = sizeof(struct fs_record_data),     [FS_RECORD_EXTENTS] = sizeof(struct fs_record_extents),
    [FS_RECORD_ATIMES] = sizeof(struct fs_record_atimes),
};

void body_in_file(struct body *b, int fd)
{
	b->file = fd + 1;
}

static void end_file(struct body *b)
{
	if (b->bytes)
		munmap(b->bytes, b->room);
	close(b->file - 1);
	b->file = 0;
}

void body_free(struct body *b)
{
	if (b->file)
		end_file(b);
	else
		free(b->bytes);
	*b = (struct body){0};
}

/* The bytes with `room` for them. Allocated ahead, since a store into a mapping cannot say that the disk is full. */
static uint8_t *grow_file(const struct body *b, size_t room)
{
	uint8_t *bytes = MAP_FAILED;

	if (fallocate(b->file - 1, 0, 0, (off_t)room) == 0)
		bytes = b->bytes ? mremap(b->bytes, b->room, room, MREMAP_MAYMOVE)
				 : mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_SHARED, b->file - 1, 0);
	return bytes == MAP_FAILED ? NULL : bytes;
}

/* As realloc(), and NULL leaves everything as it is. */
static uint8_t *grow(struct body *b, size_t room)
{
	uint8_t *bytes = b->file ? grow_file(b, room) : NULL;

	if (bytes)
		return bytes;
	if (!b->file)
		return realloc(b->bytes, room);
	bytes = malloc(room);
	if (!bytes)
		return NULL;
	if (b->len > 0)
		memcpy(bytes, b->bytes, b->len);
	end_file(b);
	return bytes;
}

static uint8_t *body_room(struct body *b, size_t len)
{
	size_t room = b->room ? b->room : 512;
	uint8_t *bytes;

	if (b->error)
		return NULL;
	while (room - b->len < len)
		room *= 2;
	if (room != b->room) {
		bytes = grow(b, room);
		if (!bytes) {
			b->error = -ENOMEM;
			return NULL;
		}
		b->bytes = bytes;
		b->room = room;
	}
	return b->bytes + b->len;
}

void body_add(struct body *b, uint32_t type, const void *fixed, size_t size, const struct iovec *rest, int n)
{
	struct fs_record head = {.type = type};
	size_t len = sizeof(head) + size, padded;
	uint8_t *p;

	for (int i = 0; i < n; i++)
		len += rest[i].iov_len;
	if (len > UINT32_MAX - 8) {
		b->error = -EFBIG;
		return;
	}
	padded = (len + 7) & ~(size_t)7;
	p = body_room(b, padded);
	if (!p)
		return;
	head.len = (uint32_t)len;
	memcpy(p, &head, sizeof(head));
	p += sizeof(head);
	memcpy(p, fixed, size);
	p += size;
	for (int i = 0; i < n; i++) {
		if (rest[i].iov_len)
			memcpy(p, rest[i].iov_base, rest[i].iov_len);
		p += rest[i].iov_len;
	}
	memset(p, 0, padded - len);
	b->len += padded;
}

static void body_add1(struct body *b, uint32_t type, const void *fixed, size_t size, const void *rest, size_t len)
{
	struct iovec v = {(void *)rest, len};

	body_add(b, type, fixed, size, &v, 1);
}

void body_state(struct body *b, uint64_t next_ino)
{
	struct fs_record_state r = {next_ino};

	body_add(b, FS_RECORD_STATE, &r, sizeof(r), NULL, 0);
}

void body_inode(struct body *b, const struct fs_record_inode *image)
{
	body_add(b, FS_RECORD_INODE, image, sizeof(*image), NULL, 0);
}

void body_touch(struct body *b, uint64_t ino, uint32_t nlink, const struct timespec *now)
{
	struct fs_record_touch r = {.ino = ino, .nlink = nlink, .time = record_time(now)};

	body_add(b, FS_RECORD_TOUCH, &r, sizeof(r), NULL, 0);
}

void body_symlink(struct body *b, uint64_t ino, const char *target)
{
	struct fs_record_symlink r = {ino};

	body_add1(b, FS_RECORD_SYMLINK, &r, sizeof(r), target, strlen(target));
}

void body_dirent(struct body *b, uint64_t parent, uint64_t ino, uint64_t cookie, const char *name, size_t len)
{
	struct fs_record_dirent r = {parent, ino, cookie};

	body_add1(b, FS_RECORD_DIRENT, &r, sizeof(r), name, len);
}

void body_undirent(struct body *b, uint64_t parent, const char *name, size_t len)
{
	struct fs_record_undirent r = {parent};

	body_add1(b, FS_RECORD_UNDIRENT, &r, sizeof(r), name, len);
}

void body_xattr(struct body *b, uint64_t ino, const char *name, size_t name_len, const void *value, size_t len)
{
	struct fs_record_xattr r = {ino, (uint32_t)name_len, (uint32_t)len};
	struct iovec rest[] = {{(void *)name, name_len}, {(void *)value, len}};

	body_add(b, FS_RECORD_XATTR, &r, sizeof(r), rest, 2);
}

void body_unxattr(struct body *b, uint64_t ino, const char *name, size_t name_len)
{
	struct fs_record_xattr r = {ino, (uint32_t)name_len, 0};

	body_add1(b, FS_RECORD_UNXATTR, &r, sizeof(r), name, name_len);
}

void body_data(struct body *b, const struct fs_record_data *data, const uint32_t *sum)
{
	body_add1(b, FS_RECORD_DATA, data, sizeof(*data), sum, data->sums * sizeof(*sum));
}

void body_extents(struct body *b, uint64_t ino, uint32_t flags, const struct fs_record_extent *x, uint32_t n)
{
	struct fs_record_extents r = {ino, flags, n};

	body_add1(b, FS_RECORD_EXTENTS, &r, sizeof(r), x, n * sizeof(*x));
}

struct fs_record_inode record_image(const struct inode *i)
{
	return (struct fs_record_inode){
	    .ino = i->ino,
	    .mode = i->mode,
	    .nlink = i->nlink,
	    .uid = i->uid,
	    .gid = i->gid,
	    .rdev = i->rdev,
	    .size = i->size,
	    .atime = record_time(&i->atime),
	    .mtime = record_time(&i->mtime),
	    .ctime = record_time(&i->ctime),
	    .btime = record_time(&i->btime),
	};
}

struct fs_record_data record_of_data(const struct data *d)
{
	return (struct fs_record_data){d->position, d->len, d->key_hash, d->crc, d->sums, d->keyed ? 0 : FS_DATA_UNKEYED, 0};
}

int record_next(const uint8_t *body, size_t len, size_t *at, struct record *ret)
{
	struct fs_record head;
	size_t size;

	if (*at == len)
		return 0;
	if (len - *at < sizeof(head))
		return -EBADMSG;
	memcpy(&head, body + *at, sizeof(head));
	if (head.len > len - *at || head.type == 0 || head.type >= sizeof(fixed_size) / sizeof(*fixed_size))
		return -EBADMSG;
	size = fixed_size[head.type];
	if (head.len < sizeof(head) + size)
		return -EBADMSG;
	ret->type = head.type;
	ret->fixed = body + *at + sizeof(head);
	ret->rest = body + *at + sizeof(head) + size;
	ret->rest_len = head.len - sizeof(head) - size;
	size = ((size_t)head.len + 7) & ~(size_t)7;
	if (size > len - *at)
		return -EBADMSG;
	*at += size;
	return 1;
}
