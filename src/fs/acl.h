/*
 * acl.h - POSIX ACLs: the values of system.posix_acl_access and system.posix_acl_default, in the form in which
 * the kernel passes them (linux/posix_acl_xattr.h), which is also the form in which they are kept as attributes. The
 * kernel enforces them; what is done here is what a file system owes it: an access ACL and the mode say the
 * same at all times (invariant A1), and new inodes inherit.
 * Knows no transactions; changes nothing but what it is given.
 */
#ifndef FS_ACL_H
#define FS_ACL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tree.h"

/* Of a longer ACL the kernel gets to know nothing in a FUSE mount, and refuses access to all but the owner. */
#define ACL_SIZE_MAX 4096

/* 0; -EINVAL: the bytes are no ACL; -EOPNOTSUPP: they are one of an unknown version; -E2BIG: longer than ACL_SIZE_MAX. */
int acl_check(const void *value, size_t size);

/* True for an ACL without entries, which stands for none. */
bool acl_is_empty(const void *value, size_t size);

/*
 * The permission bits (0777) of the mode that goes with an ACL which acl_check() has passed. *minimal, if not
 * NULL, tells whether these bits say all that it does.
 */
uint32_t acl_mode(const void *value, size_t size, bool *minimal);

/* Makes an ACL that acl_check() has passed say what the permission bits of `mode` do. */
void acl_set_mode(void *value, size_t size, uint32_t mode);

/* An ACL in memory of its own. bytes NULL: none. Freed with free(bytes). */
struct acl_copy {
	uint8_t *bytes;
	size_t size;
};

/*
 * The access ACL of `i` as it has to be under a new mode; none if it has none. Tree lock held.
 * -ENOMEM; -EIO: its bytes are no ACL.
 */
int acl_for_mode(const struct inode *i, uint32_t mode, struct acl_copy *ret);

/*
 * What an inode made in the directory `dir` gets. *mode, type included, loses the bits of the umask, or, where the directory
 * has a default ACL, those that it does not give; *access is then the access ACL, if one is needed, and
 * *inherited the default ACL of a new directory. *inherited lives as long as the tree lock is held. Errors as
 * acl_for_mode().
 */
int acl_inherit(const struct inode *dir, uint32_t umask, uint32_t *mode, struct acl_copy *access,
		const struct xattr **inherited);

/*
 * What is wrong with an ACL of an inode, in words, and, if `name` is not NULL, the attribute that this is about; NULL:
 * nothing. Tree lock held.
 */
const char *acl_fault(const struct inode *i, const char **name);

#endif
