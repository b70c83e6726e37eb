/*
 * atime_pack.c - see atime_pack.h. Reads bytes that may be hostile: a number that does not end, or leads out of
 * its range, makes the list invalid.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "atime_pack.h"

#define NS 1000000000

/* Steps of time of more than about 100 years do not occur in one record: the sum in ns fits into 64 bits. */
#define STEP_MAX INT64_C(3000000000)

/* Seven bits a byte, the lowest first, the high bit set in all but the last. */
#define NUMBER_MAX 10

static size_t put_number(uint8_t *p, uint64_t n)
{
	size_t len = 0;

	for (; n >= 128; n >>= 7)
		p[len++] = (uint8_t)(n | 128);
	p[len++] = (uint8_t)n;
	return len;
}

static int get_number(struct atime_unpack *u, uint64_t *ret)
{
	uint64_t n = 0;

	for (unsigned shift = 0; u->at < u->end && shift < 64; shift += 7) {
		uint8_t byte = *u->at++;

		if (shift == 63 && byte > 1)
			return -EBADMSG;
		n |= (uint64_t)(byte & 127) << shift;
		if (byte < 128) {
			*ret = n;
			return 0;
		}
	}
	return -EBADMSG;
}

/* 0, -1, 1, -2, 2 … as 0, 1, 2, 3, 4 …: small steps either way are short. */
static uint64_t fold(int64_t n)
{
	return ((uint64_t)n << 1) ^ (n < 0 ? UINT64_MAX : 0);
}

static int64_t unfold(uint64_t n)
{
	return (int64_t)(n >> 1) ^ -(int64_t)(n & 1);
}

/* --- writing ----------------------------------------------------------------------------------------- */

static bool fits(const struct atime_pack *p, const struct timespec *time)
{
	int64_t step;

	if (!p->begun || p->used + 2 * NUMBER_MAX > sizeof(p->bytes))
		return false;
	return !__builtin_sub_overflow(time->tv_sec, p->time.tv_sec, &step) && step >= -STEP_MAX && step <= STEP_MAX;
}

void atime_pack_add(struct atime_pack *p, uint64_t ino, const struct timespec *time)
{
	int64_t step;

	if (!fits(p, time)) {
		atime_pack_end(p);
		p->first = (struct fs_record_atimes){record_time(time)};
		p->ino = 0;
		p->time = *time;
		p->used = 0;
		p->begun = true;
	}
	step = (time->tv_sec - p->time.tv_sec) * NS + (time->tv_nsec - p->time.tv_nsec);
	p->used += put_number(p->bytes + p->used, ino - p->ino);
	p->used += put_number(p->bytes + p->used, fold(step));
	p->ino = ino;
	p->time = *time;
}

void atime_pack_end(struct atime_pack *p)
{
	struct iovec rest = {p->bytes, p->used};

	if (p->begun)
		body_add(p->body, FS_RECORD_ATIMES, &p->first, sizeof(p->first), &rest, 1);
	p->begun = false;
}

/* --- reading ----------------------------------------------------------------------------------------- */

int atime_unpack_begin(struct atime_unpack *u, const struct fs_record_atimes *first, const uint8_t *rest, size_t len)
{
	*u = (struct atime_unpack){.at = rest, .end = rest + len, .time = {first->time.sec, first->time.nsec}};
	return first->time.nsec < NS ? 0 : -EBADMSG;
}

int atime_unpack_next(struct atime_unpack *u)
{
	uint64_t ino_step, time_step;
	int64_t ns, sec;

	if (u->at == u->end)
		return 0;
	if (get_number(u, &ino_step) < 0 || get_number(u, &time_step) < 0)
		return -EBADMSG;
	ns = unfold(time_step);
	sec = ns / NS;
	ns = u->time.tv_nsec + ns % NS;
	if (ns < 0) {
		ns += NS;
		sec--;
	} else if (ns >= NS) {
		ns -= NS;
		sec++;
	}
	if (ino_step == 0 || __builtin_add_overflow(u->ino, ino_step, &u->ino) ||
	    __builtin_add_overflow(u->time.tv_sec, sec, &u->time.tv_sec))
		return -EBADMSG;
	u->time.tv_nsec = ns;
	return 1;
}
