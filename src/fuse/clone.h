/*
 * clone.h - a detached clone of a mount: a mount of the same file system that is in no namespace. It keeps the file system
 * alive, and not the mount that it was made from: that one can be unmounted, moved and covered as if there were no clone.
 */
#ifndef REELFS_CLONE_H
#define REELFS_CLONE_H

/*
 * Of the mount at `path`; without the right to mount by way of a user namespace, in a child process that ends. Returns a
 * descriptor, as with O_PATH, or a negative errno value: kernels before 5.2 have no such thing, and some forbid users to have
 * namespaces. For processes with a single thread.
 */
int clone_mount(const char *path);

#endif
