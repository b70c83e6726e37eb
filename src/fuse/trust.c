/*
 * trust.c - see trust.h. Knows the words; libfuse sets the flags when it mounts.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/mount.h>
#include <syslog.h>
#include <unistd.h>

#include <fuse_opt.h>

#include "log.h"
#include "mounts.h"
#include "trust.h"

static const struct {
	const char *usual, *word, *against;
	unsigned long flag;
} words[] = {
    {"suid", "allow_suid", "nosuid", MS_NOSUID},
    {"dev", "allow_dev", "nodev", MS_NODEV},
};

#define WORDS (sizeof(words) / sizeof(words[0]))

void trust_take(struct trust *t, const char *word)
{
	for (size_t i = 0; i < WORDS; i++) {
		if (strcmp(word, words[i].usual) == 0)
			t->usual |= words[i].flag;
		else if (strcmp(word, words[i].word) == 0)
			t->given |= words[i].flag;
		else if (strcmp(word, words[i].against) == 0)
			t->refused |= words[i].flag;
	}
}

int trust_settle(struct trust *t, struct fuse_args *args, bool mounts)
{
	if ((t->usual & ~t->refused) != 0 && t->given == 0 && mounts && geteuid() == 0)
		log_line(
		    LOG_WARNING,
		    "the mount is nosuid,nodev: 'suid' and 'dev' have no effect, as fuse3's mount helper gives them unasked; "
		    "to have set-id programs or devices in the container work, mount with -o allow_suid or -o allow_dev");
	t->given &= ~t->refused;
	if (t->given != 0 && mounts && geteuid() != 0) {
		log_line(LOG_ERR, "option '%s': only root may have that; mount without it",
			 t->given & MS_NOSUID ? "allow_suid" : "allow_dev");
		return -1;
	}
	for (size_t i = 0; i < WORDS; i++) {
		if ((t->given & words[i].flag) == 0)
			continue;
		if (fuse_opt_insert_arg(args, 1, words[i].usual) < 0 || fuse_opt_insert_arg(args, 1, "-o") < 0) {
			log_line(LOG_ERR, "out of memory");
			return -1;
		}
	}
	return 0;
}

static int take_off(int root, unsigned long flags)
{
	struct mount_attr attr = {.attr_clr =
				      (flags & MS_NOSUID ? MOUNT_ATTR_NOSUID : 0) | (flags & MS_NODEV ? MOUNT_ATTR_NODEV : 0)};

	return mount_setattr(root, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0 ? -errno : 0;
}

void trust_mounted(const struct trust *t, const char *path)
{
	const int root = t->given != 0 ? open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC) : -1;
	const struct mount_entry *entry = NULL;
	struct mount_list list = {0};
	int res = 0;

	if (root < 0)
		return;
	if (mounts_read(&list) == 0)
		entry = mounts_with(&list, root);
	if (entry != NULL && (entry->flags & t->given) != 0)
		res = take_off(root, entry->flags & t->given);
	if (res < 0)
		log_line(LOG_WARNING, "%s: allow_suid and allow_dev have no effect, as the mount cannot be changed: %s", path,
			 strerror(-res));
	mounts_free(&list);
	close(root);
}
