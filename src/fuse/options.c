/*
 * options.c - the command line: reelfs's own options, those of libfuse, and those that mount(8) passes on.
 * Relies on fuse_opt for the taking apart of -o lists (with their "\," escapes). Prints nothing but
 * errors; opens nothing.
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <syslog.h>

#include "device.h"
#include "log.h"
#include "options.h"

#define DEFAULT_LOCK_WAIT 10
#define DEFAULT_SYNC      5
#define DEFAULT_THREADS   10
#define MAX_SECONDS       86400
#define MAX_THREADS       1000
#define LEAST_MEMORY      ((uint64_t)16 << 20)

enum key {
	KEY_HELP = 1,
	KEY_VERSION,
	KEY_FOREGROUND,
	KEY_DEBUG,
	KEY_SINGLE,
	KEY_CREATE,
	KEY_WRITEBACK,
	KEY_NO_WRITEBACK,
	KEY_NOXATTR,
	KEY_CLONE_FD,
	KEY_MAX_THREADS,
	KEY_MEMORY,
	KEY_NUL,
	KEY_LOCK_WAIT,
	KEY_SYNC,
	KEY_KEEP_TORN,
	KEY_FSNAME,
	KEY_REMOUNT,
	KEY_FLAG,
	KEY_TRUST,
	KEY_ATIME,
	KEY_AUTO_UNMOUNT,
	KEY_ALLOW_OTHER,
	KEY_ALLOW_ROOT,
	KEY_LIBFUSE,
	KEY_IGNORE,
};

static const struct fuse_opt specs[] = {
    FUSE_OPT_KEY("-h", KEY_HELP),
    FUSE_OPT_KEY("--help", KEY_HELP),
    FUSE_OPT_KEY("-V", KEY_VERSION),
    FUSE_OPT_KEY("--version", KEY_VERSION),
    FUSE_OPT_KEY("-f", KEY_FOREGROUND),
    FUSE_OPT_KEY("-d", KEY_DEBUG),
    FUSE_OPT_KEY("debug", KEY_DEBUG),
    FUSE_OPT_KEY("-s", KEY_SINGLE),
    FUSE_OPT_KEY("create", KEY_CREATE),
    FUSE_OPT_KEY("writeback_cache", KEY_WRITEBACK),
    FUSE_OPT_KEY("no_writeback_cache", KEY_NO_WRITEBACK),
    FUSE_OPT_KEY("noxattr", KEY_NOXATTR),
    FUSE_OPT_KEY("clone_fd", KEY_CLONE_FD),
    FUSE_OPT_KEY("max_threads=", KEY_MAX_THREADS),
    FUSE_OPT_KEY("memory=", KEY_MEMORY),
    FUSE_OPT_KEY("nul=", KEY_NUL),
    FUSE_OPT_KEY("lock_wait=", KEY_LOCK_WAIT),
    FUSE_OPT_KEY("sync=", KEY_SYNC),
    FUSE_OPT_KEY("keep_torn=", KEY_KEEP_TORN),
    FUSE_OPT_KEY("fsname=", KEY_FSNAME),
    FUSE_OPT_KEY("remount", KEY_REMOUNT),
    FUSE_OPT_KEY("-r", KEY_FLAG),
    FUSE_OPT_KEY("ro", KEY_FLAG),
    FUSE_OPT_KEY("rw", KEY_FLAG),
    FUSE_OPT_KEY("suid", KEY_TRUST),
    FUSE_OPT_KEY("nosuid", KEY_TRUST),
    FUSE_OPT_KEY("allow_suid", KEY_TRUST),
    FUSE_OPT_KEY("dev", KEY_TRUST),
    FUSE_OPT_KEY("nodev", KEY_TRUST),
    FUSE_OPT_KEY("allow_dev", KEY_TRUST),
    FUSE_OPT_KEY("exec", KEY_FLAG),
    FUSE_OPT_KEY("noexec", KEY_FLAG),
    FUSE_OPT_KEY("sync", KEY_FLAG),
    FUSE_OPT_KEY("async", KEY_FLAG),
    FUSE_OPT_KEY("dirsync", KEY_FLAG),
    FUSE_OPT_KEY("atime", KEY_FLAG),
    FUSE_OPT_KEY("noatime", KEY_FLAG),
    FUSE_OPT_KEY("relatime", KEY_ATIME),
    FUSE_OPT_KEY("norelatime", KEY_ATIME),
    FUSE_OPT_KEY("strictatime", KEY_ATIME),
    FUSE_OPT_KEY("nostrictatime", KEY_ATIME),
    FUSE_OPT_KEY("diratime", KEY_ATIME),
    FUSE_OPT_KEY("nodiratime", KEY_ATIME),
    FUSE_OPT_KEY("allow_other", KEY_ALLOW_OTHER),
    FUSE_OPT_KEY("allow_root", KEY_ALLOW_ROOT),
    FUSE_OPT_KEY("auto_unmount", KEY_AUTO_UNMOUNT),
    FUSE_OPT_KEY("default_permissions", KEY_LIBFUSE),
    FUSE_OPT_KEY("subtype=", KEY_LIBFUSE),
    FUSE_OPT_KEY("context=", KEY_LIBFUSE),
    FUSE_OPT_KEY("fscontext=", KEY_LIBFUSE),
    FUSE_OPT_KEY("defcontext=", KEY_LIBFUSE),
    FUSE_OPT_KEY("rootcontext=", KEY_LIBFUSE),
    /* For mount(8), fstab(5) and systemd.mount(5) themselves, or without a meaning for FUSE. */
    FUSE_OPT_KEY("defaults", KEY_IGNORE),
    FUSE_OPT_KEY("auto", KEY_IGNORE),
    FUSE_OPT_KEY("noauto", KEY_IGNORE),
    FUSE_OPT_KEY("user", KEY_IGNORE),
    FUSE_OPT_KEY("user=", KEY_IGNORE),
    FUSE_OPT_KEY("nouser", KEY_IGNORE),
    FUSE_OPT_KEY("users", KEY_IGNORE),
    FUSE_OPT_KEY("owner", KEY_IGNORE),
    FUSE_OPT_KEY("noowner", KEY_IGNORE),
    FUSE_OPT_KEY("group", KEY_IGNORE),
    FUSE_OPT_KEY("nogroup", KEY_IGNORE),
    FUSE_OPT_KEY("_netdev", KEY_IGNORE),
    FUSE_OPT_KEY("nofail", KEY_IGNORE),
    FUSE_OPT_KEY("comment=", KEY_IGNORE),
    FUSE_OPT_KEY("helper=", KEY_IGNORE),
    FUSE_OPT_KEY("uhelper=", KEY_IGNORE),
    FUSE_OPT_KEY("lazytime", KEY_IGNORE),
    FUSE_OPT_KEY("nolazytime", KEY_IGNORE),
    FUSE_OPT_KEY("iversion", KEY_IGNORE),
    FUSE_OPT_KEY("noiversion", KEY_IGNORE),
    FUSE_OPT_KEY("mand", KEY_IGNORE),
    FUSE_OPT_KEY("nomand", KEY_IGNORE),
    FUSE_OPT_KEY("silent", KEY_IGNORE),
    FUSE_OPT_KEY("loud", KEY_IGNORE),
    FUSE_OPT_END,
};

static const struct mount_flag {
	const char *name;
	unsigned long flag;
	bool on;
} mount_flags[] = {
    {"ro", MS_RDONLY, true},          {"rw", MS_RDONLY, false},       {"noexec", MS_NOEXEC, true},
    {"exec", MS_NOEXEC, false},       {"sync", MS_SYNCHRONOUS, true}, {"dirsync", MS_DIRSYNC, true},
    {"async", MS_SYNCHRONOUS, false}, {"noatime", MS_NOATIME, true},  {"atime", MS_NOATIME, false},
};

/* What reading does to access times; the kernel leaves that to the daemon, whatever flags the mount has. */
static const struct atime_option {
	const char *name;
	enum fs_atime atime;
} atime_options[] = {
    {"noatime", FS_ATIME_NEVER},      {"atime", FS_ATIME_RELATIVE},      {"relatime", FS_ATIME_RELATIVE},
    {"strictatime", FS_ATIME_STRICT}, {"norelatime", FS_ATIME_RELATIVE}, {"nostrictatime", FS_ATIME_RELATIVE},
};

static void take_atime(struct options *o, const char *name)
{
	for (size_t i = 0; i < sizeof(atime_options) / sizeof(atime_options[0]); i++)
		if (strcmp(atime_options[i].name, name) == 0)
			o->atime = atime_options[i].atime;
	if (strcmp(name, "nodiratime") == 0 || strcmp(name, "diratime") == 0)
		o->no_dir_atime = name[0] == 'n';
}

static void take_flag(struct options *o, const char *name)
{
	for (size_t i = 0; i < sizeof(mount_flags) / sizeof(mount_flags[0]); i++) {
		if (strcmp(mount_flags[i].name, name) != 0)
			continue;
		if (mount_flags[i].on)
			o->flags |= mount_flags[i].flag;
		else
			o->flags &= ~mount_flags[i].flag;
	}
	o->read_only = o->flags & MS_RDONLY;
}

/* The number after "name=" in arg. 0, or -1 (logged). */
static int take_number(const char *arg, unsigned min, unsigned max, unsigned *ret)
{
	const char *digits = strchr(arg, '=') + 1;
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(digits, &end, 10);
	if (*digits < '0' || *digits > '9' || *end != '\0' || errno != 0 || value < min || value > max) {
		log_line(LOG_ERR, "option '%s': a whole number from %u to %u must follow the '='", arg, min, max);
		return -1;
	}
	*ret = (unsigned)value;
	return 0;
}

/* The size after "memory=". 0, or -1 (logged). */
static int take_memory(const char *arg, uint64_t *ret)
{
	static const char units[] = "KMGT";
	const char *digits = strchr(arg, '=') + 1, *unit;
	unsigned long long value;
	unsigned shift = 0;
	char *end;

	errno = 0;
	value = strtoull(digits, &end, 10);
	unit = *end != '\0' ? strchr(units, *end & ~0x20) : NULL;
	if (unit != NULL && *unit != '\0') {
		shift = 10 * (unsigned)(unit - units + 1);
		end++;
	}
	if (*digits < '0' || *digits > '9' || *end != '\0' || errno != 0 || value > UINT64_MAX >> shift ||
	    value << shift < LEAST_MEMORY) {
		log_line(LOG_ERR, "option '%s': a size of at least 16M must follow the '=', as in memory=64M", arg);
		return -1;
	}
	*ret = value << shift;
	return 0;
}

/* What one NUL byte is in the oldest format. */
static int take_nul(const char *arg, bool *ret)
{
	const char *meaning = strchr(arg, '=') + 1;

	*ret = strcmp(meaning, "value") == 0;
	if (*ret || strcmp(meaning, "deletion") == 0)
		return 0;
	log_line(LOG_ERR, "option '%s': it is nul=value or nul=deletion", arg);
	return -1;
}

static int take_string(const char *text, char **ret)
{
	free(*ret);
	*ret = strdup(text);
	if (*ret == NULL) {
		log_line(LOG_ERR, "out of memory");
		return -1;
	}
	return 0;
}

static int take_operand(struct options *o, const char *arg)
{
	if (o->container == NULL)
		return take_string(arg, &o->container);
	if (o->mountpoint == NULL)
		return take_string(arg, &o->mountpoint);
	log_line(LOG_ERR, "one argument too many: '%s'; see reelfs --help", arg);
	return -1;
}

/* mount(8) leaves the comments of fstab(5) in the list. */
static int take_unknown(struct options *o, const char *arg)
{
	if (o->remount && strncmp(arg, "user_id=", 8) == 0)
		o->repeated = true;
	if (strncasecmp(arg, "x-", 2) == 0 || o->sloppy)
		return 0;
	log_line(LOG_ERR, "unknown option '%s'; reelfs --help lists those there are", arg);
	return -1;
}

static int take_switch(struct options *o, int key)
{
	switch (key) {
	case KEY_HELP:
		o->help = true;
		break;
	case KEY_VERSION:
		o->version = true;
		break;
	case KEY_DEBUG:
		o->debug = true;
		o->foreground = true;
		break;
	case KEY_FOREGROUND:
		o->foreground = true;
		break;
	case KEY_SINGLE:
		o->max_threads = 1;
		break;
	case KEY_CREATE:
		o->create = true;
		break;
	case KEY_WRITEBACK:
		o->writeback = true;
		break;
	case KEY_NO_WRITEBACK:
		o->writeback = false;
		break;
	case KEY_NOXATTR:
		o->xattrs = false;
		break;
	case KEY_CLONE_FD:
		o->clone_fd = true;
		break;
	case KEY_REMOUNT:
		o->remount = true;
		o->sloppy = true; /* mount(8) repeats all that /proc/mounts shows */
		break;
	default:
		break;
	}
	return 0;
}

/* Those of libfuse that have a meaning here, too. */
static void note_for_libfuse(struct options *o, int key)
{
	o->own_fsname |= key == KEY_FSNAME;
	o->auto_unmount |= key == KEY_AUTO_UNMOUNT;
	o->allow_other |= key == KEY_ALLOW_OTHER;
	o->allow_root |= key == KEY_ALLOW_ROOT;
}

/* A fuse_opt_proc_t: 0 drops the argument, 1 leaves it to libfuse, -1 is an error. */
static int take(void *data, const char *arg, int key, struct fuse_args *rest)
{
	struct options *o = data;

	(void)rest;
	switch (key) {
	case FUSE_OPT_KEY_NONOPT:
		return take_operand(o, arg);
	case FUSE_OPT_KEY_OPT:
		return take_unknown(o, arg);
	case KEY_MAX_THREADS:
		return take_number(arg, 1, MAX_THREADS, &o->max_threads);
	case KEY_MEMORY:
		return take_memory(arg, &o->memory);
	case KEY_NUL:
		return take_nul(arg, &o->nul_values);
	case KEY_LOCK_WAIT:
		o->lock_wait_given = true;
		return take_number(arg, 0, MAX_SECONDS, &o->lock_wait);
	case KEY_SYNC:
		return take_number(arg, 0, MAX_SECONDS, &o->sync);
	case KEY_KEEP_TORN:
		return take_string(strchr(arg, '=') + 1, &o->keep_torn);
	case KEY_FLAG:
		take_flag(o, strcmp(arg, "-r") == 0 ? "ro" : arg);
		take_atime(o, arg);
		return 1;
	case KEY_TRUST:
		trust_take(&o->trust, arg);
		return 0;
	case KEY_ATIME:
		take_atime(o, arg);
		return 0;
	case KEY_FSNAME:
	case KEY_AUTO_UNMOUNT:
	case KEY_ALLOW_OTHER:
	case KEY_ALLOW_ROOT:
	case KEY_LIBFUSE:
		note_for_libfuse(o, key);
		return 1;
	default:
		return take_switch(o, key);
	}
}

/*
 * Turns "C M [-sfnv] [-N ns] [-t type] [-o list]", where letters mean what they mean to mount(8), into a
 * command line of reelfs.
 */
static int from_mount(struct options *o, int argc, char **argv, struct fuse_args *args)
{
	int c, bad;

	bad = fuse_opt_add_arg(args, argv[0]);
	opterr = 0;
	while ((c = getopt(argc, argv, "sfnvhVN:t:o:")) != -1) {
		switch (c) {
		case 's':
			o->sloppy = true;
			break;
		case 'f':
			o->fake = true;
			break;
		case 'n':
		case 'v':
		case 't':
			break;
		case 'h':
			o->help = true;
			break;
		case 'V':
			o->version = true;
			break;
		case 'o':
			bad |= fuse_opt_add_arg(args, "-o");
			bad |= fuse_opt_add_arg(args, optarg);
			break;
		case 'N':
			log_line(LOG_ERR, "mount -N (another namespace) is not supported");
			return -1;
		default:
			log_line(LOG_ERR, "unknown option '-%c'; usage: mount -t fuse.reelfs CONTAINER MOUNTPOINT [-o options]",
				 optopt);
			return -1;
		}
	}
	bad |= fuse_opt_add_arg(args, "--");
	while (optind < argc)
		bad |= fuse_opt_add_arg(args, argv[optind++]);
	return bad;
}

static bool is_mount_helper(const char *program)
{
	const char *name = strrchr(program, '/');

	return strncmp(name ? name + 1 : program, "mount.", 6) == 0;
}

/* Things that are right one by one but not together. */
static int check_together(const struct options *o)
{
	if (o->help || o->version)
		return 0;
	if (o->container == NULL || o->mountpoint == NULL) {
		log_line(LOG_ERR, "%s is missing; usage: reelfs [options] CONTAINER MOUNTPOINT",
			 o->container ? "the mount point" : "the container");
		return -1;
	}
	if (o->create && o->read_only) {
		log_line(LOG_ERR, "options 'create' and 'ro' exclude each other");
		return -1;
	}
	/* With remount mount(8) repeats them, and the kernel calls both allow_other. */
	if (o->allow_other && o->allow_root && !o->remount) {
		log_line(LOG_ERR,
			 "options 'allow_other' and 'allow_root' exclude each other; give allow_other for root and all others");
		return -1;
	}
	return 0;
}

int options_parse(struct options *o, int argc, char **argv)
{
	int res;

	*o = (struct options){
	    .writeback = true,
	    .xattrs = true,
	    .max_threads = DEFAULT_THREADS,
	    .lock_wait = DEFAULT_LOCK_WAIT,
	    .sync = DEFAULT_SYNC,
	    .atime = FS_ATIME_RELATIVE,
	};
	if (argc < 1) {
		log_line(LOG_ERR, "called without a program name");
		return -1;
	}
	o->helper = is_mount_helper(argv[0]);
	if (o->helper) {
		res = from_mount(o, argc, argv, &o->fuse);
	} else {
		res = 0;
		for (int i = 0; i < argc && res == 0; i++)
			res = fuse_opt_add_arg(&o->fuse, argv[i]);
	}
	if (res < 0 || fuse_opt_parse(&o->fuse, o, specs, take) < 0)
		return -1;
	if (check_together(o) < 0)
		return -1;
	if (o->help || o->version)
		return 0;
	return trust_settle(&o->trust, &o->fuse, !o->remount && !device_is_meant(o->mountpoint));
}

void options_free(struct options *o)
{
	free(o->container);
	free(o->mountpoint);
	free(o->keep_torn);
	fuse_opt_free_args(&o->fuse);
	*o = (struct options){0};
}
