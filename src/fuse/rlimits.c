/*
 * rlimits.c - see rlimits.h. Never lowers a limit. The one on core dumps is left as the caller has it.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <syslog.h>

#include "log.h"
#include "rlimits.h"

#define STACK_SIZE (8ul << 20) /* the kernel's own default */
#define FILES_LOW  256

static const struct limit {
	int resource;
	const char *name;
	rlim_t low; /* a hard one below it is told, with these words around its value */
	const char *before, *after;
} limits[] = {
    /* Each big file that is being written takes a descriptor. */
    {RLIMIT_NOFILE, "RLIMIT_NOFILE", FILES_LOW, "no more than",
     "files can be open here, and each big one that is being written takes one (ulimit -H -n)"},
    {RLIMIT_FSIZE, "RLIMIT_FSIZE", RLIM_INFINITY, "no file may be longer than",
     "bytes here, so the container cannot grow past that (ulimit -H -f)"},
    {RLIMIT_CPU, "RLIMIT_CPU", RLIM_INFINITY, "the daemon will be killed when it has used the processor for",
     "seconds (ulimit -H -t)"},
    {RLIMIT_AS, "RLIMIT_AS", 0, NULL, NULL},
    {RLIMIT_DATA, "RLIMIT_DATA", 0, NULL, NULL},
    {RLIMIT_NPROC, "RLIMIT_NPROC", 0, NULL, NULL}, /* threads count */
};

static void raise_one(const struct limit *l)
{
	struct rlimit now;

	if (getrlimit((__rlimit_resource_t)l->resource, &now) < 0)
		return;
	now.rlim_cur = now.rlim_max;
	if (setrlimit((__rlimit_resource_t)l->resource, &now) < 0)
		log_line(LOG_DEBUG, "%s: %s", l->name, strerror(errno));
	if (now.rlim_max < l->low)
		log_line(LOG_WARNING, "%s %llu %s; mount without that limit", l->before, (unsigned long long)now.rlim_max,
			 l->after);
}

/* The C library takes the soft limit at the program's start for the size of every thread's stack. */
static void set_stacks(void)
{
	struct rlimit now;
	pthread_attr_t attr;
	int res = pthread_attr_init(&attr);

	if (res == 0) {
		res = pthread_attr_setstacksize(&attr, STACK_SIZE);
		if (res == 0)
			res = pthread_setattr_default_np(&attr);
		pthread_attr_destroy(&attr);
	}
	if (res != 0)
		log_line(LOG_DEBUG, "the size of stacks: %s", strerror(res));
	if (getrlimit(RLIMIT_STACK, &now) < 0 || now.rlim_cur >= STACK_SIZE)
		return;
	now.rlim_cur = now.rlim_max < STACK_SIZE ? now.rlim_max : STACK_SIZE;
	if (setrlimit(RLIMIT_STACK, &now) < 0)
		log_line(LOG_DEBUG, "RLIMIT_STACK: %s", strerror(errno));
}

void rlimits_raise(void)
{
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		raise_one(&limits[i]);
	set_stacks();
}
