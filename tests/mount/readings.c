/*
 * readings.c - readings of a directory that changes meanwhile, through the kernel, one name at each call.
 * Usage: readings model DIRECTORY SEED STEPS: the model of readings.h; the directory must be empty.
 *        readings steps DIRECTORY STEP...: each STEP is one argument: "open A", "read A N" (prints up to N names, "." and ".."
 *        left out, in one line; "-" when there is none), "rewind A", "tell A", "seek A B" (to where "tell B" was last),
 *        "seek-to A OFFSET", "at-end A" (lseek with SEEK_END), "close A", or "sh COMMAND". A, B: 0 to 3.
 *        readings rename-each DIRECTORY MOST: gives each name that comes a longer one; prints how many came, at most MOST.
 *        readings stateless DIRECTORY MOST: likewise, as an NFS server does: with a new descriptor for each name.
 *        readings beside DIRECTORY STEPS: changes of names, each looked at at once, while other processes look the same names
 * up and read the directory with their attributes. (calls.h)
 */
#include "config.h"

#include <dirent.h>
#include <limits.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "../readings.h"
#include "calls.h"

static const char *directory;
static int fd[READINGS_OPEN];
static off_t told[READINGS_OPEN];

/* So short that no second name has room, if the first has as many bytes as those of the tests. */
enum { ONE = 40 };

/* The next name and the position behind it; false: none is left. */
static bool next_of(int from, size_t room, char name[NAME_MAX + 1])
{
	_Alignas(struct dirent64) char buf[512];
	const struct dirent64 *e = (const struct dirent64 *)buf;
	long n;

	do {
		n = syscall(SYS_getdents64, from, buf, room);
		if (n < 0 && errno == EINVAL && room < sizeof(buf)) {
			room = sizeof(buf);
			continue;
		}
		if (n < 0)
			die("getdents64");
		if (n > e->d_reclen && lseek(from, e->d_off, SEEK_SET) < 0)
			die("lseek");
	} while (n < 0 || (n > 0 && (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)));
	if (n > 0)
		snprintf(name, NAME_MAX + 1, "%.*s", NAME_MAX, e->d_name);
	return n > 0;
}

static void open_reading(int r)
{
	fd[r] = open_file(directory, O_RDONLY | O_DIRECTORY);
}

static void rewind_reading(int r)
{
	if (lseek(fd[r], 0, SEEK_SET) < 0)
		die("lseek");
}

/* --- the model ------------------------------------------------------------------------------------------------ */

static void make(const char *name)
{
	end_file(open_file(name, O_CREAT | O_EXCL | O_WRONLY));
}

static void remove_it(const char *name)
{
	if (unlink(name) < 0)
		die("unlink");
}

static void rename_it(const char *from, const char *to)
{
	if (rename(from, to) < 0)
		die("rename");
}

static void exchange(const char *a, const char *b)
{
	if (renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE) < 0)
		die("renameat2");
}

static bool next_reading(int r, char name[READINGS_NAME])
{
	char whole[NAME_MAX + 1];

	if (!next_of(fd[r], ONE, whole))
		return false;
	snprintf(name, READINGS_NAME, "%.*s", READINGS_NAME - 1, whole);
	return true;
}

static void close_reading(int r)
{
	end_file(fd[r]);
}

static void model(char **arg)
{
	static const struct readings_ops ops = {make,         remove_it,    rename_it,      exchange,
						open_reading, next_reading, rewind_reading, close_reading};

	directory = ".";
	if (chdir(arg[0]) < 0)
		die("chdir");
	readings_run(&ops, (unsigned long)number(arg[1]), (int)number(arg[2]));
}

/* --- steps ---------------------------------------------------------------------------------------------------- */

static void read_names(int r, long most)
{
	char name[NAME_MAX + 1];
	long n = 0;

	while (n < most && next_of(fd[r], ONE, name))
		printf("%s%s", n++ > 0 ? " " : "", name);
	puts(n > 0 ? "" : "-");
}

static void step(const char *text)
{
	char what[16] = "";
	int a = 0;
	long b = 0;

	if (strncmp(text, "sh ", 3) == 0) {
		fflush(stdout);
		expect(system(text + 3) == 0, text);
		return;
	}
	expect(sscanf(text, "%15s %d %ld", what, &a, &b) >= 2 && a >= 0 && a < READINGS_OPEN, text);
	if (strcmp(what, "open") == 0)
		open_reading(a);
	else if (strcmp(what, "read") == 0)
		read_names(a, b);
	else if (strcmp(what, "rewind") == 0)
		rewind_reading(a);
	else if (strcmp(what, "tell") == 0)
		told[a] = lseek(fd[a], 0, SEEK_CUR);
	else if (strcmp(what, "seek") == 0)
		expect(lseek(fd[a], told[b % READINGS_OPEN], SEEK_SET) >= 0, text);
	else if (strcmp(what, "seek-to") == 0)
		expect(lseek(fd[a], b, SEEK_SET) == b, text);
	else if (strcmp(what, "at-end") == 0)
		(void)lseek(fd[a], 0, SEEK_END);
	else if (strcmp(what, "close") == 0)
		close_reading(a);
	else
		expect(false, text);
}

static void steps(char **arg)
{
	directory = *arg++;
	for (; *arg != NULL; arg++)
		step(*arg);
}

/* --- walks that change what they walk over ------------------------------------------------------------------- */

static void give_longer(const char *name)
{
	char longer[NAME_MAX + 2];

	snprintf(longer, sizeof(longer), "%s.", name);
	rename_it(name, longer);
}

static void rename_each(char **arg)
{
	char name[NAME_MAX + 1];
	long n = 0, most = number(arg[1]);
	int from = open_file(arg[0], O_RDONLY | O_DIRECTORY);

	if (chdir(arg[0]) < 0)
		die("chdir");
	for (; n < most && next_of(from, ONE, name); n++)
		give_longer(name);
	printf("%ld\n", n);
	end_file(from);
}

static void stateless(char **arg)
{
	char name[NAME_MAX + 1];
	long n = 0, most = number(arg[1]);
	off_t position = 0;

	if (chdir(arg[0]) < 0)
		die("chdir");
	for (; n < most; n++) {
		int from = open_file(".", O_RDONLY | O_DIRECTORY);
		bool any;

		if (lseek(from, position, SEEK_SET) < 0)
			die("lseek");
		any = next_of(from, ONE, name);
		position = lseek(from, 0, SEEK_CUR);
		end_file(from);
		if (!any)
			break;
		give_longer(name);
	}
	printf("%ld\n", n);
}

/* --- lookups beside changes ------------------------------------------------------------------------------------ */

enum { LOOKERS = 4, BESIDE = 8 };

/* Looks the names up, and the directory over, until it is ended. A name may be there or not, and nothing else. */
__attribute__((noreturn)) static void look_on(unsigned long seed)
{
	char name[NAME_MAX + 1];
	struct stat st;

	for (unsigned long i = seed;; i++) {
		int from = -1;

		snprintf(name, sizeof(name), "%c%lu", "ab"[i % 2], i / 2 % BESIDE);
		if (stat(name, &st) < 0 && errno != ENOENT)
			die("stat");
		if (i % 4 == seed % 4)
			from = open_file(".", O_RDONLY | O_DIRECTORY);
		while (from >= 0 && next_of(from, 512, name))
			if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno != ENOENT)
				die("fstatat");
		if (from >= 0)
			end_file(from);
	}
}

/* The name stands for the inode, which has so many names; 0: for none. */
static void is(const char *name, ino_t ino, nlink_t links)
{
	struct stat st;

	if (ino == 0) {
		expect(stat(name, &st) < 0 && errno == ENOENT, "a name that was taken away is gone");
		return;
	}
	if (stat(name, &st) < 0)
		die(name);
	expect(st.st_ino == ino && st.st_nlink == links, "a name stands for what it was given to, with its links");
}

static void change_and_look(long i)
{
	char a[16], b[16];
	struct stat st;

	snprintf(a, sizeof(a), "a%ld", i % BESIDE);
	snprintf(b, sizeof(b), "b%ld", i % BESIDE);
	make(a);
	if (stat(a, &st) < 0)
		die("stat");
	is(a, st.st_ino, 1);
	if (link(a, b) < 0)
		die("link");
	is(a, st.st_ino, 2);
	is(b, st.st_ino, 2);
	remove_it(a);
	is(a, 0, 0);
	is(b, st.st_ino, 1);
	rename_it(b, a);
	is(b, 0, 0);
	is(a, st.st_ino, 1);
	remove_it(a);
	is(a, 0, 0);
}

static void beside(char **arg)
{
	long steps_to_do = number(arg[1]);
	pid_t looker[LOOKERS];
	int status;

	if (chdir(arg[0]) < 0)
		die("chdir");
	for (unsigned long i = 0; i < LOOKERS; i++) {
		looker[i] = fork();
		if (looker[i] < 0)
			die("fork");
		if (looker[i] == 0)
			look_on(i);
	}
	for (long i = 0; i < steps_to_do; i++)
		change_and_look(i);
	for (int i = 0; i < LOOKERS; i++) {
		if (kill(looker[i], SIGKILL) < 0 || waitpid(looker[i], &status, 0) < 0)
			die("kill, waitpid");
		expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "who looks on has seen nothing wrong");
	}
}

static const struct call calls[] = {
    {"beside", 2, beside},           {"model", 3, model},         {"steps", 1, steps},
    {"rename-each", 2, rename_each}, {"stateless", 2, stateless},
};

int main(int argc, char **argv)
{
	return run_call(argc, argv, calls, sizeof(calls) / sizeof(calls[0]));
}
