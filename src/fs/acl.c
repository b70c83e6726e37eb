/*
 * acl.c - see acl.h. The bytes may be those of a hostile caller or container: nothing but acl_check() reads them
 * before acl_check() has passed them.
 */
#include "config.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <linux/xattr.h>

#include "acl.h"

/* value = version:u32 entry...    entry = tag:u16 perm:u16 id:u32, all little-endian */
#define HEADER sizeof(struct posix_acl_xattr_header)
#define ENTRY  sizeof(struct posix_acl_xattr_entry)

struct entry {
	unsigned tag, perm;
	uint32_t id;
};

static size_t count(size_t size)
{
	return (size - HEADER) / ENTRY;
}

static struct entry entry_at(const uint8_t *value, size_t n)
{
	struct posix_acl_xattr_entry e;

	memcpy(&e, value + HEADER + n * ENTRY, sizeof(e));
	return (struct entry){le16toh(e.e_tag), le16toh(e.e_perm), le32toh(e.e_id)};
}

static void set_perm(uint8_t *value, size_t n, unsigned perm)
{
	__le16 le = htole16((uint16_t)perm);

	memcpy(value + HEADER + n * ENTRY + offsetof(struct posix_acl_xattr_entry, e_perm), &le, sizeof(le));
}

static bool is_named(unsigned tag)
{
	return tag == ACL_USER || tag == ACL_GROUP;
}

static bool is_tag(unsigned tag)
{
	return tag == ACL_USER_OBJ || tag == ACL_GROUP_OBJ || tag == ACL_MASK || tag == ACL_OTHER || is_named(tag);
}

static bool has_version(const void *value, size_t size)
{
	struct posix_acl_xattr_header header;

	if (size < HEADER)
		return false;
	memcpy(&header, value, sizeof(header));
	return le32toh(header.a_version) == POSIX_ACL_XATTR_VERSION;
}

int acl_check(const void *value, size_t size)
{
	unsigned seen = 0, before = 0;

	if (size < HEADER)
		return -EINVAL;
	if (!has_version(value, size))
		return -EOPNOTSUPP;
	if ((size - HEADER) % ENTRY != 0)
		return -EINVAL;
	if (size > ACL_SIZE_MAX)
		return -E2BIG;
	/* The tags' numbers are in the order that the kernel wants; only entries for named users and groups repeat. */
	for (size_t n = 0; n < count(size); n++) {
		struct entry e = entry_at(value, n);

		if (!is_tag(e.tag) || e.tag < before || (e.tag == before && !is_named(e.tag)))
			return -EINVAL;
		if (e.perm & ~(unsigned)(ACL_READ | ACL_WRITE | ACL_EXECUTE))
			return -EINVAL;
		if (is_named(e.tag) && e.id == (uint32_t)ACL_UNDEFINED_ID)
			return -EINVAL;
		seen |= e.tag;
		before = e.tag;
	}
	if ((seen & (ACL_USER_OBJ | ACL_GROUP_OBJ | ACL_OTHER)) != (ACL_USER_OBJ | ACL_GROUP_OBJ | ACL_OTHER))
		return -EINVAL;
	return (seen & (ACL_USER | ACL_GROUP)) && !(seen & ACL_MASK) ? -EINVAL : 0;
}

bool acl_is_empty(const void *value, size_t size)
{
	return size == 0 || (size == HEADER && has_version(value, size));
}

/* Where the three digits of a mode are in an ACL. The group's is the mask's where there is one. */
struct classes {
	size_t user, group, other;
	bool masked;
};

static struct classes find_classes(const uint8_t *value, size_t size)
{
	struct classes c = {0};

	for (size_t n = 0; n < count(size); n++) {
		switch (entry_at(value, n).tag) {
		case ACL_USER_OBJ:
			c.user = n;
			break;
		case ACL_GROUP_OBJ:
			c.group = n;
			break;
		case ACL_MASK:
			c.group = n;
			c.masked = true;
			break;
		case ACL_OTHER:
			c.other = n;
			break;
		default:
			break;
		}
	}
	return c;
}

uint32_t acl_mode(const void *value, size_t size, bool *minimal)
{
	struct classes c = find_classes(value, size);

	/* Named entries need a mask. */
	if (minimal)
		*minimal = !c.masked;
	return entry_at(value, c.user).perm << 6 | entry_at(value, c.group).perm << 3 | entry_at(value, c.other).perm;
}

void acl_set_mode(void *value, size_t size, uint32_t mode)
{
	struct classes c = find_classes(value, size);

	set_perm(value, c.user, mode >> 6 & 7);
	set_perm(value, c.group, mode >> 3 & 7);
	set_perm(value, c.other, mode & 7);
}

/* --- of inodes -------------------------------------------------------------------------------------------------- */

static const struct xattr *acl_of(const struct inode *i, const char *name)
{
	return i->xattrs ? tree_xattr(i, name, strlen(name)) : NULL;
}

static const uint8_t *value_of(const struct xattr *x)
{
	return (const uint8_t *)x->bytes + x->name_len + 1;
}

static int copy_sound(const struct xattr *x, struct acl_copy *ret)
{
	if (acl_check(value_of(x), x->value_len) < 0)
		return -EIO;
	ret->bytes = malloc(x->value_len);
	if (!ret->bytes)
		return -ENOMEM;
	memcpy(ret->bytes, value_of(x), x->value_len);
	ret->size = x->value_len;
	return 0;
}

int acl_for_mode(const struct inode *i, uint32_t mode, struct acl_copy *ret)
{
	const struct xattr *x = acl_of(i, XATTR_NAME_POSIX_ACL_ACCESS);
	int r;

	*ret = (struct acl_copy){0};
	if (!x)
		return 0;
	r = copy_sound(x, ret);
	if (r == 0)
		acl_set_mode(ret->bytes, ret->size, mode);
	return r;
}

int acl_inherit(const struct inode *dir, uint32_t umask, uint32_t *mode, struct acl_copy *access,
		const struct xattr **inherited)
{
	const struct xattr *x = acl_of(dir, XATTR_NAME_POSIX_ACL_DEFAULT);
	bool minimal;
	int r;

	*access = (struct acl_copy){0};
	*inherited = NULL;
	if (S_ISLNK(*mode))
		return 0;
	if (!x) {
		*mode &= ~(umask & 0777);
		return 0;
	}
	r = copy_sound(x, access);
	if (r < 0)
		return r;
	*mode &= ~(uint32_t)0777 | acl_mode(access->bytes, access->size, &minimal);
	acl_set_mode(access->bytes, access->size, *mode);
	if (minimal) {
		free(access->bytes);
		*access = (struct acl_copy){0};
	}
	if (S_ISDIR(*mode))
		*inherited = x;
	return 0;
}

static const char *default_fault(const struct inode *i, const struct xattr *x)
{
	if (!S_ISDIR(i->mode))
		return "has a default ACL and is no directory";
	return acl_check(value_of(x), x->value_len) < 0 ? "has a default ACL that is none" : NULL;
}

static const char *access_fault(const struct inode *i, const struct xattr *x)
{
	if (acl_check(value_of(x), x->value_len) < 0)
		return "has an ACL that is none";
	return acl_mode(value_of(x), x->value_len, NULL) != (i->mode & 0777) ? "has an ACL that does not agree with its mode"
									     : NULL;
}

const char *acl_fault(const struct inode *i, const char **name)
{
	static const struct {
		const char *name;
		const char *(*fault)(const struct inode *, const struct xattr *);
	} kinds[] = {{XATTR_NAME_POSIX_ACL_DEFAULT, default_fault}, {XATTR_NAME_POSIX_ACL_ACCESS, access_fault}};

	for (size_t n = 0; n < sizeof(kinds) / sizeof(*kinds); n++) {
		const struct xattr *x = acl_of(i, kinds[n].name);
		const char *wrong = x ? kinds[n].fault(i, x) : NULL;

		if (wrong && name)
			*name = kinds[n].name;
		if (wrong)
			return wrong;
	}
	return NULL;
}
