/*
 * memory.c - see memory.h. Reads /proc and the files of the control groups, of either version, from the process's own up to the
 * uppermost that can be seen. What cannot be read is no limit.
 */
#include "config.h"

#include <limits.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <syslog.h>

#include "log.h"
#include "memory.h"

/* With so much nothing is less than it would be without a limit. */
#define AMPLE ((uint64_t)1 << 30)
/* One thread, with what it has of requests and answers, for so much. */
#define THREAD_SHARE   ((uint64_t)32 << 20)
#define FEWEST_THREADS 2
#define FEW_ARENAS     2

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t of_machine(void)
{
	struct sysinfo info;

	if (sysinfo(&info) < 0)
		return UINT64_MAX;
	return ((uint64_t)info.totalram + info.totalswap) * info.mem_unit;
}

/* The number in the file; "max", or a file that is not there, is none. */
static uint64_t limit_in(const char *folder, const char *name)
{
	char path[PATH_MAX];
	unsigned long long n;
	FILE *f;

	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
		return UINT64_MAX;
	f = fopen(path, "re");
	if (f == NULL)
		return UINT64_MAX;
	if (fscanf(f, "%llu", &n) != 1)
		n = ULLONG_MAX;
	fclose(f);
	return n == 0 ? UINT64_MAX : n;
}

/* The folder of a control group, which lies in `mount`, and all above it up to that. */
static uint64_t limit_of(const char *mount, char *folder, bool unified)
{
	size_t top = strlen(mount);
	uint64_t limit = UINT64_MAX;

	for (;;) {
		char *slash;

		limit = least(limit, limit_in(folder, unified ? "memory.max" : "memory.limit_in_bytes"));
		if (unified)
			limit = least(limit, limit_in(folder, "memory.high"));
		slash = strrchr(folder, '/');
		if (strlen(folder) <= top || slash == NULL)
			return limit;
		*slash = '\0';
	}
}

/* The process's control group: of version 2, or that of the hierarchy with memory. False: none. */
static bool own_group(bool unified, char group[PATH_MAX])
{
	FILE *f = fopen("/proc/self/cgroup", "re");
	char *line = NULL;
	size_t room = 0;
	bool found = false;

	while (!found && f != NULL && getline(&line, &room, f) > 0) {
		char *names = strchr(line, ':'), *path = names ? strchr(names + 1, ':') : NULL;

		if (path == NULL)
			continue;
		*path++ = '\0';
		names++;
		path[strcspn(path, "\n")] = '\0';
		if (unified ? *names != '\0' : strcmp(names, "memory") != 0 && strstr(names, "memory,") == NULL)
			continue;
		found = snprintf(group, PATH_MAX, "%s", path) < PATH_MAX;
	}
	free(line);
	if (f != NULL)
		fclose(f);
	return found;
}

/* The limit in one mount of control groups, `root` being what of their hierarchy it shows. */
static uint64_t of_mount(bool unified, const char *root, const char *mount)
{
	char group[PATH_MAX], folder[2 * PATH_MAX];
	size_t len = strcmp(root, "/") == 0 ? 0 : strlen(root);
	const char *below = group;

	if (!own_group(unified, group))
		return UINT64_MAX;
	/* A container may see its own group as the mount's root, by another name. */
	below = strncmp(group, root, len) == 0 ? group + len : "";
	if (strcmp(below, "/") == 0)
		below = "";
	snprintf(folder, sizeof(folder), "%s%s", mount, below);
	return limit_of(mount, folder, unified);
}

static uint64_t of_control_groups(void)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	uint64_t limit = UINT64_MAX;
	char *line = NULL;
	size_t room = 0;

	while (f != NULL && getline(&line, &room, f) > 0) {
		char root[PATH_MAX], mount[PATH_MAX], type[16];
		const char *tail = strstr(line, " - ");

		if (tail == NULL || strlen(line) >= PATH_MAX || sscanf(tail, " - %15s", type) != 1 ||
		    sscanf(line, "%*d %*d %*s %4095s %4095s", root, mount) != 2)
			continue;
		if (strcmp(type, "cgroup2") == 0)
			limit = least(limit, of_mount(true, root, mount));
		else if (strcmp(type, "cgroup") == 0 && strstr(tail, "memory") != NULL)
			limit = least(limit, of_mount(false, root, mount));
	}
	free(line);
	if (f != NULL)
		fclose(f);
	return limit;
}

void memory_decide(struct options *o)
{
	uint64_t threads;

	if (o->memory == 0) {
		uint64_t machine = of_machine(), group = of_control_groups();

		o->memory = least(machine, group);
		if (group < machine)
			log_line(LOG_DEBUG, "memory: %llu bytes, by the control group", (unsigned long long)group);
		if (o->memory == UINT64_MAX)
			o->memory = 0;
	}
	if (o->memory == 0 || o->memory >= AMPLE)
		return;
	threads = o->memory / THREAD_SHARE;
	if (threads < FEWEST_THREADS)
		threads = FEWEST_THREADS;
	if (o->max_threads > threads)
		o->max_threads = (unsigned)threads;
#ifdef M_ARENA_MAX
	(void)mallopt(M_ARENA_MAX, FEW_ARENAS);
#endif
}
