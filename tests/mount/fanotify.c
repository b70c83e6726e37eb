/*
 * fanotify.c - what fanotify(7) with file handles in its events (FAN_REPORT_FID) says to marks.
 * Usage: fanotify inode|mount|filesystem FOLDER [OTHER]: marks FOLDER, then OTHER, then makes a file in FOLDER and prints the
 * number of its events that have come. A mark that is refused ends it with the name of the error.
 * (calls.h)
 */
#include "config.h"

#include <sys/fanotify.h>

#include "calls.h"

static unsigned kind(const char *name)
{
	if (strcmp(name, "mount") == 0)
		return FAN_MARK_MOUNT;
	return strcmp(name, "filesystem") == 0 ? FAN_MARK_FILESYSTEM : FAN_MARK_INODE;
}

static void mark(int group, unsigned flags, const char *folder)
{
	/* A mount tells nothing of names. */
	uint64_t events = flags == FAN_MARK_MOUNT ? FAN_CLOSE_WRITE : FAN_CREATE | FAN_CLOSE_WRITE | FAN_EVENT_ON_CHILD;

	if (fanotify_mark(group, FAN_MARK_ADD | flags, events, AT_FDCWD, folder) < 0)
		die(folder);
}

static void make_file(const char *folder)
{
	int dir = open(folder, O_RDONLY | O_DIRECTORY);
	int fd = openat(dir, "made", O_CREAT | O_EXCL | O_WRONLY, 0644);

	if (fd < 0 || close(fd) < 0)
		die("openat");
	close(dir);
}

int main(int argc, char **argv)
{
	static char events[65536] __attribute__((aligned(8)));
	int group, n = 0;
	ssize_t len;

	if (argc < 3)
		return 2;
	group = fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_FID | FAN_NONBLOCK, O_RDONLY);
	if (group < 0)
		die("fanotify_init");
	for (int i = 2; i < argc; i++)
		mark(group, kind(argv[1]), argv[i]);
	make_file(argv[2]);
	len = read(group, events, sizeof(events));
	for (struct fanotify_event_metadata *e = (void *)events; FAN_EVENT_OK(e, len); e = FAN_EVENT_NEXT(e, len))
		n++;
	printf("%d\n", n);
	return 0;
}
