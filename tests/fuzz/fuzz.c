/*
 * fuzz.c - files, messages and numbers of the harnesses (fuzz.h).
 */
#include "config.h"

#include "fuzz.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MESSAGES = 16, MESSAGE = 512 };

static char dir[256];
static char messages[MESSAGES][MESSAGE];
static unsigned n_messages;

void fuzz_log(void *arg, int priority, const char *text)
{
	(void)arg;
	(void)priority;
	snprintf(messages[__atomic_fetch_add(&n_messages, 1, __ATOMIC_RELAXED) % MESSAGES], MESSAGE, "%s", text);
}

void fuzz_fail(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "FINDING: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\nthe last messages:\n");
	for (unsigned i = n_messages > MESSAGES ? n_messages - MESSAGES : 0; i < n_messages; i++)
		fprintf(stderr, "  %s\n", messages[i % MESSAGES]);
	abort();
}

void fuzz_clean(void)
{
	char path[600];
	struct dirent *e;
	DIR *d = opendir(dir);

	n_messages = 0;
	while (d && (e = readdir(d))) {
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (e->d_name[0] != '.' || strlen(e->d_name) > 2)
			(void)unlink(path);
	}
	if (d)
		closedir(d);
}

static void end(void)
{
	fuzz_clean();
	(void)rmdir(dir);
}

const char *fuzz_path(const char *name)
{
	static char path[8][512];
	static unsigned next;
	const char *tmp = getenv("FUZZ_DIR");
	char *p = path[next++ % 8];

	if (!dir[0]) {
		snprintf(dir, sizeof(dir), "%s/reel-fuzz.XXXXXX",
			 tmp                             ? tmp
			 : access("/dev/shm", W_OK) == 0 ? "/dev/shm"
							 : "/tmp");
		if (!mkdtemp(dir))
			fuzz_fail("%s cannot be made", dir);
		atexit(end);
	}
	snprintf(p, sizeof(path[0]), "%s/%s", dir, name);
	return p;
}

void fuzz_store(const char *path, const void *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	FUZZ_CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size, "%s cannot be written", path);
	close(fd);
}

uint8_t *fuzz_load(const char *path, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	uint8_t *data;

	FUZZ_CHECK(fd >= 0 && fstat(fd, &st) == 0, "%s cannot be opened", path);
	*size = (size_t)st.st_size;
	data = malloc(*size + 1);
	FUZZ_CHECK(data && pread(fd, data, *size, 0) == (ssize_t)*size, "%s cannot be read", path);
	close(fd);
	return data;
}

void fuzz_unchanged(const char *path, const uint8_t *data, size_t size, bool cut)
{
	size_t len;
	uint8_t *is = fuzz_load(path, &len);

	FUZZ_CHECK(len == size || (cut && len < size), "the file had %zu bytes and has %zu", size, len);
	FUZZ_CHECK(memcmp(is, data, len) == 0, "the file was changed");
	free(is);
}

void fuzz_same(const char *a, const char *b, const char *what)
{
	FUZZ_CHECK(strcmp(a, b) == 0, "%s:\n%s\nand\n%s", what, a, b);
}

uint8_t bytes_u8(struct bytes *b)
{
	if (b->left == 0)
		return 0;
	b->left--;
	return *b->at++;
}

uint16_t bytes_u16(struct bytes *b)
{
	uint16_t low = bytes_u8(b);

	return (uint16_t)(low | bytes_u8(b) << 8);
}

uint64_t bytes_u64(struct bytes *b)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v |= (uint64_t)bytes_u8(b) << (8 * i);
	return v;
}

uint64_t bytes_number(struct bytes *b)
{
	static const uint64_t bounds[] = {UINT64_MAX,
					  INT64_MAX,
					  (uint64_t)1 << 63,
					  UINT32_MAX,
					  (uint64_t)1 << 32,
					  65535,
					  65536,
					  65537,
					  255,
					  256,
					  4096,
					  64000,
					  65000,
					  1000000000,
					  40960,
					  16384};
	uint8_t kind = bytes_u8(b);

	if (kind < 0xa0)
		return kind;
	if (kind < 0xc0)
		return bytes_u16(b);
	if (kind < 0xc8)
		return bytes_u64(b);
	return bounds[kind % 16] + (kind < 0xe0 ? 0 : (uint64_t)(int64_t)(int8_t)bytes_u8(b));
}

const uint8_t *bytes_take(struct bytes *b, size_t *len)
{
	const uint8_t *p = b->at;

	if (*len > b->left)
		*len = b->left;
	b->at += *len;
	b->left -= *len;
	return p;
}

uint64_t fuzz_random(uint64_t *seed)
{
	uint64_t z = (*seed += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}
