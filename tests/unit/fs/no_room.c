/*
 * no_room.c - see no_room.h.
 */
#include "config.h"

#include "no_room.h"

#include <sched.h>
#include <signal.h>
#include <sys/mount.h>

static char small_dir[4200]; /* the mounted tmpfs, or empty */

static bool mount_small(void)
{
	snprintf(small_dir, sizeof(small_dir), "%s/small", h_dir);
	ck_assert_int_eq(mkdir(small_dir, 0700), 0);
	/* In a name space of its own it goes with the process, whatever becomes of the test. */
	if (unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	    mount("none", small_dir, "tmpfs", 0, "size=2m") == 0)
		return true;
	printf("# SKIP on a small tmpfs: it cannot be mounted here: %s\n", strerror(errno));
	fflush(stdout);
	small_dir[0] = 0;
	return false;
}

/* Uses none of Check's assertions: they write to a file that the limit is for as well. */
void no_room_limit(rlim_t size)
{
	struct rlimit l = {size, RLIM_INFINITY};
	if (setrlimit(RLIMIT_FSIZE, &l) < 0)
		abort();
}

/* Makes the container longer than Check's file ever is. */
static void outgrow_check(void)
{
	uint8_t *data = malloc(2 * MIB);
	ck_assert_ptr_nonnull(data);
	h_fill(data, 2 * MIB, 99);
	h_put(h_fs, "large", data, 2 * MIB);
	free(data);
}

void no_room_set_up(void)
{
	h_setup();
	signal(SIGXFSZ, SIG_IGN);
	small_dir[0] = 0;
}

void no_room_tear_down(void)
{
	no_room_limit(RLIM_INFINITY);
	if (h_fs)
		fs_close(h_fs);
	h_fs = NULL;
	if (small_dir[0])
		umount2(small_dir, MNT_DETACH);
	h_teardown();
}

/* An open container where there will be no room. False: it cannot be had. */
bool no_room_begin(int kind)
{
	if (kind == LIMIT) {
		outgrow_check();
		return true;
	}
	if (!mount_small())
		return false;
	h_close();
	snprintf(h_path, sizeof(h_path), "%.4180s/c.reel", small_dir);
	ck_assert_int_eq(fs_create_container(h_path, &h_options), 0);
	h_open();
	return true;
}

/* Room for `more` bytes from now on. */
void no_room_leave(int kind, size_t more)
{
	static uint8_t zeros[4096];
	char path[4400];
	struct statvfs st;
	if (kind == LIMIT) {
		no_room_limit(h_size(h_path) + more);
		return;
	}
	snprintf(path, sizeof(path), "%s/ballast", small_dir);
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	while (statvfs(small_dir, &st) == 0 && st.f_bavail * st.f_frsize > more)
		if (write(fd, zeros, sizeof(zeros)) < 0)
			break;
	close(fd);
}

void no_room_end(int kind)
{
	char path[4400];
	if (kind == LIMIT) {
		no_room_limit(RLIM_INFINITY);
		return;
	}
	snprintf(path, sizeof(path), "%s/ballast", small_dir);
	ck_assert_int_eq(unlink(path), 0);
}

bool is_no_room(int r)
{
	return r == -ENOSPC || r == -EFBIG;
}

/* Makes directories in what space is left, or is allocated ahead, and then what needs less. The error that ends it. */
int no_room_fill_up(void)
{
	struct fs_setattr set = {.set = FS_SET_MODE, .mode = 0755};
	struct fs_attr attr;
	char name[16];
	int made = 0, r;

	do {
		snprintf(name, sizeof(name), "d%d", made++);
		r = h_mkdir(h_fs, name);
	} while (r == 0 && made < 5000);
	for (made = 0; is_no_room(r) && made < 5000 && fs_setattr(h_fs, FS_ROOT_INO, &set, &attr) == 0;)
		made++;
	return r;
}
