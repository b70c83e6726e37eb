/*
 * session.c - opens the container, mounts it, runs libfuse's loop, closes.
 * Invariant: whatever way it ends, the mount is gone before the container is closed, so that the
 * kernel reports no success that the container does not hold.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "daemon.h"
#include "device.h"
#include "handles.h"
#include "handover.h"
#include "log.h"
#include "loop.h"
#include "memory.h"
#include "mend.h"
#include "ops.h"
#include "options.h"
#include "paths.h"
#include "rlimits.h"
#include "session.h"
#include "signals.h"
#include "wire.h"

/* Says why, unless what failed has said so itself since `before` (log_errors()). */
static void explain(unsigned before, const char *path, int error)
{
	if (log_errors() != before)
		return;
	switch (error) {
	case -EACCES:
	case -EPERM:
	case -EROFS:
		log_line(LOG_ERR, "container %s: %s; to only read it, mount with -o ro", path, strerror(-error));
		break;
	case -EBUSY:
		log_line(LOG_ERR, "container %s: another program is writing to it; unmount that, or mount with -o ro", path);
		break;
	case -EAGAIN:
		log_line(LOG_ERR,
			 "container %s: no thread could be started; look at the limits on processes and memory (ulimit -u, -v)",
			 path);
		break;
	case -EBADMSG:
		log_line(LOG_ERR, "container %s: damaged, or not a container; 'reel check' tells more", path);
		break;
	default:
		log_line(LOG_ERR, "container %s: %s", path, fs_explain(error));
	}
}

/* As mount(8) does with a write-protected device. What else keeps it from being written is for the user to settle. */
static int follow_disk(struct options *o, const struct paths *paths)
{
	int refusal;

	if (o->read_only || !paths->exists || access(paths->container, W_OK) == 0)
		return 0;
	refusal = errno;
	/* What it is that forbids even root to write is known when it is opened. */
	if (refusal == EPERM || (refusal != EROFS && access(paths->container, R_OK) < 0))
		return 0;
	if (refusal != EROFS) {
		log_line(LOG_ERR, "container %s: it may not be written to (%s); to only read it, mount with -o ro",
			 paths->container, strerror(refusal));
		return -1;
	}
	log_line(LOG_WARNING, "container %s: the disk that it is on is read-only, so it is mounted read-only",
		 paths->container);
	if (fuse_opt_insert_arg(&o->fuse, 1, "-oro") < 0) {
		log_line(LOG_ERR, "out of memory");
		return -1;
	}
	o->read_only = true;
	return 0;
}

static struct fs *open_container(const struct options *o, const struct paths *paths, struct mount *m)
{
	const struct fs_options options = {
	    .read_only = o->read_only,
	    .lock_wait_ms = o->lock_wait * 1000,
	    .await_storing = !o->lock_wait_given,
	    .sync_interval_s = o->sync,
	    .atime = o->atime,
	    .no_dir_atime = o->no_dir_atime,
	    .memory = o->memory,
	    .nul_values = o->nul_values,
	    .keep_torn = o->keep_torn,
	    .log = log_fs,
	    .hand_over = hand_over,
	    .stale = mend_stale,
	    .cache_arg = m,
	};
	unsigned before = log_errors();
	struct fs *fs;
	int res = 0;

	if (o->create && !paths->exists) {
		res = fs_create_container(paths->container, &options);
		if (res == -EEXIST)
			res = 0;
	}
	if (res == 0)
		res = fs_open(paths->container, &options, &fs);
	if (res == 0)
		return fs;
	explain(before, paths->container, res);
	return NULL;
}

/* What every mount has: the kernel checks permissions; the source shows the container. */
static int add_fixed_options(struct options *o, const struct paths *paths)
{
	char *list = NULL, *fsname = NULL;
	int res = -1;

	if (asprintf(&fsname, "fsname=%s", paths->container) < 0) {
		fsname = NULL;
		goto out;
	}
	if (fuse_opt_add_opt(&list, "default_permissions") < 0 || fuse_opt_add_opt(&list, "subtype=reelfs") < 0)
		goto out;
	if (!o->own_fsname && fuse_opt_add_opt_escaped(&list, fsname) < 0)
		goto out;
	if (o->debug && fuse_opt_add_opt(&list, "debug") < 0)
		goto out;
	/* In front of what may follow a "--". */
	if (fuse_opt_insert_arg(&o->fuse, 1, list) < 0 || fuse_opt_insert_arg(&o->fuse, 1, "-o") < 0)
		goto out;
	res = 0;
out:
	if (res < 0)
		log_line(LOG_ERR, "out of memory");
	free(fsname);
	free(list);
	return res;
}

/* libfuse's own loop, in which every thread has a connection of its own. */
static int loop_cloned(struct fuse_session *se, unsigned max_threads)
{
	struct fuse_loop_config *config = fuse_loop_cfg_create();
	int res;

	if (config == NULL)
		return -ENOMEM;
	fuse_loop_cfg_set_max_threads(config, max_threads);
	fuse_loop_cfg_set_clone_fd(config, 1);
	res = fuse_session_loop_mt(se, config);
	fuse_loop_cfg_destroy(config);
	return res;
}

/*
 * The loop has ended by itself. Then everything is closed, unless the connection was cut, by `umount -f` for example, which
 * does so also where it takes away but one of several mounts: what the kernel held of open files then never comes.
 */
static bool was_cut(const char *mountpoint)
{
	unsigned files = handles_writing();

	/* Of files that were closed just before an unmounting the kernel may have sent no RELEASE. */
	if (files == 0 || !handover_is_left())
		return false;
	log_line(
	    LOG_ERR,
	    "%s: the connection to the kernel was cut (umount -f, of a bind mount too, does so) while %u files were open for "
	    "writing; what was written to them last and not synced may be lost, everything else is stored. Unmount what is "
	    "left "
	    "with 'fusermount3 -u'",
	    mountpoint, files);
	return true;
}

/* 0, or -1 (logged): the connection failed, or ended with something not stored or still mounted. */
static int loop(struct fuse_session *se, const struct options *o, const char *mountpoint)
{
	enum signals_end end;
	int res;

	signals_loop_begins(se);
	res = o->clone_fd ? loop_cloned(se, o->max_threads) : loop_run(se, o->max_threads);
	fs_tell_storing();
	end = signals_loop_ended();
	if (res < 0 && end == SIGNALS_NONE) {
		log_line(LOG_ERR, "%s: the connection to the kernel failed: %s", mountpoint, strerror(-res));
		(void)handover_unmount();
	}
	if (res == 0 && end == SIGNALS_NONE && was_cut(mountpoint))
		return -1;
	return res < 0 || end == SIGNALS_FAILED ? -1 : 0;
}

/*
 * Closes the connection. libfuse would unmount what is at the path that it was given, whatever that is by now, unless it finds
 * the connection severed: so it finds the end of a pipe there that nobody reads. What is to be unmounted has been.
 */
static void disconnect(struct fuse_session *se, int severed)
{
	if (dup2(severed, fuse_session_fd(se)) >= 0)
		fuse_session_unmount(se);
	close(severed);
}

static int severed_pipe(void)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0) {
		log_line(LOG_ERR, "cannot make a pipe: %s", strerror(errno));
		return -1;
	}
	close(fds[0]);
	return fds[1];
}

/*
 * What the mount does not keep from having effect is not shown. The kernel would take no set-id bits off that it does not see,
 * unless each write(2) comes at once.
 */
static void hide(struct options *o, unsigned long lacking)
{
	ops_hide(lacking & MS_NOSUID, lacking & MS_NODEV);
	if (lacking & MS_NOSUID)
		o->writeback = false;
}

/* Programs that are set-uid for the user, such as fusermount3, are not when the caller has forbidden it. */
static void tell_not_mounted(const char *mountpoint, bool told)
{
	if (geteuid() != 0 && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		log_line(LOG_ERR,
			 "cannot mount on %s: fusermount3 cannot become root, since no_new_privs is set here (setpriv "
			 "--no-new-privs, NoNewPrivileges=, a container); mount from outside of that, or as root",
			 mountpoint);
	else if (!told)
		log_line(LOG_ERR, "cannot mount on %s; see the message above", mountpoint);
}

static int mount_session(struct fuse_session *se, const struct paths *paths, unsigned before)
{
	int res;

	signals_mount_begins();
	res = fuse_session_mount(se, paths->device ? paths->device : paths_mount(paths));
	signals_mount_ended();
	if (res < 0)
		tell_not_mounted(paths_mount(paths), log_errors() != before);
	return res;
}

static int mount_and_loop(struct mount *m, struct options *o, const struct paths *paths)
{
	unsigned before = log_errors();
	const char *mount = paths_mount(paths);
	struct fuse_session *se;
	int ret = -1, severed;
	bool mending;

	if (paths->device)
		hide(o, device_distrust(paths->mountpoint, &o->trust));
	if (add_fixed_options(o, paths) < 0)
		return -1;
	se = fuse_session_new(&o->fuse, &reelfs_ops, sizeof(reelfs_ops), m);
	if (se == NULL) {
		if (log_errors() == before)
			log_line(LOG_ERR, "cannot mount on %s: libfuse refuses the options", mount);
		return -1;
	}
	m->session = se;
	severed = severed_pipe();
	if (severed < 0)
		goto out;
	if (mount_session(se, paths, before) < 0) {
		close(severed);
		goto out;
	}
	device_served();
	if (!paths->device)
		trust_mounted(&o->trust, mount);
	handover_mounted(se, mount);
	mending = wire_install(se) == 0 && mend_start(m, mount) == 0;
	if (mending)
		ret = loop(se, o, mount);
	else
		(void)handover_unmount();
	handover_close();
	disconnect(se, severed);
	if (mending)
		mend_stop();
out:
	fuse_session_destroy(se);
	return ret;
}

/* The daemon writes out what the kernel wants to free: it must not wait for that itself. */
static void become_io_flusher(void)
{
#ifdef PR_SET_IO_FLUSHER
	if (prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0) < 0)
		log_line(LOG_DEBUG, "PR_SET_IO_FLUSHER: %s", strerror(errno));
#endif
}

/*
 * (I4) From here on no path of the caller's is used any more: its folder may be taken away, and what else is made beside the
 * container is for its owner alone.
 */
static void leave_folder(void)
{
	if (chdir("/") < 0)
		log_line(LOG_WARNING, "cannot change to /: %s", strerror(errno));
	(void)umask(077);
}

/* 0, or -1: not everything is known to be on disk. */
static int close_container(struct fs *fs, const char *path)
{
	unsigned before = log_errors();
	int res = handles_end(fs);
	bool intruded = fs_is_intruded(fs);
	int closed = fs_close(fs);

	if (res == 0)
		res = closed;
	if (res == 0)
		return 0;
	if (log_errors() == before && intruded)
		log_line(LOG_ERR,
			 "container %s: since another program has changed it, as was told, the last changes may not be in it",
			 path);
	else if (log_errors() == before)
		log_line(LOG_ERR, "container %s: closing it failed: %s; the last changes may not be on disk", path,
			 fs_explain(res));
	return -1;
}

static int open_and_serve(struct options *o, const struct paths *paths)
{
	struct mount m = {.options = o, .ready = daemon_ready, .callers = paths->device != NULL};
	struct fs *fs;
	int ret;

	memory_decide(o);
	if (signals_start() < 0)
		return -1;
	if (fs_guard_faults() < 0)
		log_line(LOG_WARNING, "a container that is cut short by another program will end this one");
	fs = follow_disk(o, paths) == 0 ? open_container(o, paths, &m) : NULL;
	m.fs = fs;
	leave_folder();
	ret = fs != NULL ? mount_and_loop(&m, o, paths) : -1;
	(void)signals_loop_ended();
	if (fs != NULL && close_container(fs, paths->container) < 0)
		ret = -1;
	return ret;
}

int session_run(struct options *o, const struct paths *paths)
{
	int ret;

	handover_start(o->auto_unmount);
	log_run();
	become_io_flusher();
	rlimits_raise();
	ret = open_and_serve(o, paths);
	handover_stop();
	log_end();
	return ret;
}
