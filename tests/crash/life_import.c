/*
 * life_import.c - see life.h: the program `reel import`, its own sources (watched.h), on the life's disk. One life at a time.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "../../tools/common.h"
#include "life.h"

/* What the import's sources call in place of the functions of these names (watched.h). */
typeof(fs_open) watched_open;
typeof(fs_close) watched_close;
typeof(fs_mkdir) watched_mkdir;
typeof(fs_mknod) watched_mknod;
typeof(fs_symlink) watched_symlink;
typeof(fs_link) watched_link;
typeof(fs_link_over) watched_link_over;
typeof(fs_unlink) watched_unlink;
typeof(fs_setattr) watched_setattr;
typeof(fs_setxattr) watched_setxattr;
typeof(fs_removexattr) watched_removexattr;
typeof(fs_file_flush) watched_file_flush;
typeof(fs_file_release) watched_file_release;
typeof(reel_write_stream) watched_write_stream;
void watched_exit(int status) __attribute__((noreturn));
int watched_fclose(FILE *f);
extern FILE *watched_stderr;

/* What it says is of no interest. */
FILE *watched_stderr;

static struct life *watched;
static jmp_buf ended;

/* A program that ends frees nothing: the leak checker, where there is one, is not to look. */
void __lsan_disable(void) __attribute__((weak));
void __lsan_enable(void) __attribute__((weak));

int watched_open(const char *path, const struct fs_options *options, struct fs **ret)
{
	struct fs_options recorded = *options;
	int r;

	recorded.disk = watched->disk;
	r = fs_open(path, &recorded, ret);
	watched->fs = r == 0 ? *ret : NULL;
	return life_noted(watched, r);
}

int watched_close(struct fs *fs)
{
	int r = fs_close(fs);

	watched->fs = NULL;
	if (r == 0)
		life_promise(watched);
	return life_told(watched, r);
}

/* The test goes on writing to standard output. */
int watched_fclose(FILE *f)
{
	return f == stdout ? fflush(f) : fclose(f);
}

void watched_exit(int status)
{
	longjmp(ended, 1 + status);
}

int watched_mkdir(struct fs *fs, uint64_t parent, const char *name, uint32_t mode, const struct fs_cred *cred,
		  struct fs_attr *ret)
{
	return life_noted(watched, fs_mkdir(fs, parent, name, mode, cred, ret));
}

int watched_mknod(struct fs *fs, uint64_t parent, const char *name, uint32_t mode, uint64_t rdev, const struct fs_cred *cred,
		  struct fs_attr *ret)
{
	return life_noted(watched, fs_mknod(fs, parent, name, mode, rdev, cred, ret));
}

int watched_symlink(struct fs *fs, uint64_t parent, const char *name, const char *target, const struct fs_cred *cred,
		    struct fs_attr *ret)
{
	return life_noted(watched, fs_symlink(fs, parent, name, target, cred, ret));
}

int watched_link(struct fs *fs, uint64_t ino, uint64_t parent, const char *name, struct fs_attr *ret)
{
	return life_noted(watched, fs_link(fs, ino, parent, name, ret));
}

int watched_link_over(struct fs *fs, uint64_t ino, uint64_t parent, const char *name, struct fs_attr *ret)
{
	return life_noted(watched, fs_link_over(fs, ino, parent, name, ret));
}

int watched_unlink(struct fs *fs, uint64_t parent, const char *name)
{
	return life_noted(watched, fs_unlink(fs, parent, name));
}

/* A size is committed with the data, by the flush. */
int watched_setattr(struct fs *fs, uint64_t ino, const struct fs_setattr *set, struct fs_attr *ret)
{
	int r = fs_setattr(fs, ino, set, ret);

	return set->set & FS_SET_SIZE ? life_counted(watched, r) : life_noted(watched, r);
}

int watched_setxattr(struct fs *fs, uint64_t ino, const char *name, const void *value, size_t size, int flags)
{
	return life_noted(watched, fs_setxattr(fs, ino, name, value, size, flags));
}

int watched_removexattr(struct fs *fs, uint64_t ino, const char *name)
{
	return life_noted(watched, fs_removexattr(fs, ino, name));
}

int watched_file_flush(struct fs_file *f)
{
	int r = fs_file_flush(f);

	if (r == 0)
		life_note(watched);
	return life_counted(watched, r);
}

void watched_file_release(struct fs_file *f)
{
	fs_file_release(f);
	life_note(watched);
}

int watched_write_stream(struct reel *r, uint64_t key_hash, reel_pull_fn pull, void *arg)
{
	return life_noted(watched, reel_write_stream(r, key_hash, pull, arg));
}

/* --- a folder to import ----------------------------------------------------------------------------------------- */

static void make_file(struct life *l, int dir, const char *name, size_t len, off_t at)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0640);
	uint8_t *data = life_bytes(l, len);

	must(fd >= 0 && pwrite(fd, data, len, at) == (ssize_t)len);
	must(fsetxattr(fd, "user.x", "value", 5, 0) == 0 || errno == ENOTSUP);
	close(fd);
	free(data);
}

static void make_folder(struct life *l, const char *path)
{
	int dir;

	must(mkdir(path, 0750) == 0 || errno == EEXIST);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(dir >= 0 && (mkdirat(dir, "sub", 0700) == 0 || errno == EEXIST));
	make_file(l, dir, "a", 700, 0);
	make_file(l, dir, "one", 1, 0);
	make_file(l, dir, "empty", 0, 0);
	make_file(l, dir, "sub/holes", 300, 50000);
	make_file(l, dir, "sub/b", 5000, 0);
	must(linkat(dir, "a", dir, "sub/link", 0) == 0 || errno == EEXIST);
	must(symlinkat("sub/b", dir, "symlink") == 0 || errno == EEXIST);
	must(mkfifoat(dir, "sub/fifo", 0600) == 0 || errno == EEXIST);
	close(dir);
}

/* --- the process ------------------------------------------------------------------------------------------------- */

/* What belongs to the process, and has to be as before when it has ended. */
struct process {
	bool open[RECORD_FDS];
	int folder;
};

static void process_begin(struct process *p)
{
	for (int fd = 0; fd < RECORD_FDS; fd++)
		p->open[fd] = fcntl(fd, F_GETFD) >= 0;
	p->folder = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	must(p->folder >= 0);
	p->open[p->folder] = true;
}

/* Nothing that it has not written by now is written. */
static void process_kill(struct life *l, const struct process *p)
{
	life_die(l);
	for (int fd = 0; fd < RECORD_FDS; fd++)
		if (!p->open[fd])
			(void)close(fd);
	must(fchdir(p->folder) == 0);
}

static int run(struct life *l, char *folder)
{
	char *operands[] = {l->path, folder};
	struct args args = {.n = 2, .operand = operands};
	struct process process;
	int status;

	process_begin(&process);
	status = setjmp(ended);
	if (status == 0)
		status = cmd_import.run(&args);
	else
		process_kill(l, &process), status--;
	(void)close(process.folder);
	return status;
}

int life_import(struct life *l)
{
	int refused = l->refused, status;
	char folder[4400];

	/* It would make a new one, which is no part of this life. */
	if (access(l->path, F_OK) < 0)
		return life_counted(l, -EIO);
	life_pause(l, true);
	snprintf(folder, sizeof(folder), "%s/.import", l->folder);
	make_folder(l, folder);
	if (!watched_stderr)
		watched_stderr = fopen("/dev/null", "we");
	must(watched_stderr);
	life_pause(l, false);
	watched = l;
	messages_for("import");
	if (__lsan_disable)
		__lsan_disable();
	status = run(l, folder);
	if (__lsan_enable)
		__lsan_enable();
	if (status == STATUS_OK && l->refused > refused)
		l->untold++;
	return life_counted(l, status == STATUS_OK ? 0 : -EIO);
}
