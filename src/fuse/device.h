/*
 * device.h - a mount that the caller has made, and that is only to be served: the mount point "/dev/fd/N" stands for the
 * descriptor N of /dev/fuse that it was made with. So a daemon needs no right to mount (mount.fuse3 -o drop_privileges,
 * Apptainer).
 *
 * The mount's flags are the caller's, but for nosuid and nodev (trust.h). Where it is mounted /proc tells, on Linux 6.14 and
 * later and if this namespace has it; what needs to know does without otherwise. One such mount a process.
 */
#ifndef REELFS_DEVICE_H
#define REELFS_DEVICE_H

#include <stdbool.h>

struct trust;

/* Whether that is what the path means. */
bool device_is_meant(const char *mountpoint);

/*
 * Takes the descriptor: it is inherited by no other program from now on. *path: where it is mounted, or NULL. 0, or -1
 * (logged): there is none, or nothing that could be served.
 */
int device_take(const char *mountpoint, char **path);

/*
 * Before it is served. Makes the mount at `path`, or NULL, nosuid and nodev where it is not and was not asked to be otherwise.
 * Returns those of MS_NOSUID and MS_NODEV, 0 for none, that a mount of it that was to be seen lacked when it was taken, which
 * is said: their effect has to be had by other means, whether or not this one has them now.
 */
unsigned long device_distrust(const char *path, const struct trust *trust);

/* libfuse has the descriptor, and will serve it. */
void device_served(void);

/* Ends what was taken and not served: who uses the mount gets an error and does not wait, and the caller is told. */
void device_give_up(const char *path);

#endif
