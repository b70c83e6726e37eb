/*
 * text.c - names, sizes, times, modes and owners as text, JSON, and output with errors checked.
 * Never touches a container.
 */
#include "config.h"

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "text.h"

/* Seconds in half a mean Gregorian year: where ls(1) changes from the time of day to the year. */
#define HALF_YEAR (31556952 / 2)

/* The largest size that parse_size() takes: 1 GiB. */
#define SIZE_LIMIT ((uint64_t)1 << 30)

/*
 * The length of the UTF-8 sequence that s begins with, its code point in *ret; 0: it begins with a
 * byte that is not part of one. Overlong forms, surrogates and values past U+10FFFF are none.
 */
static size_t utf8_sequence(const unsigned char *s, size_t len, uint32_t *ret)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = s[0] < 0x80                   ? 1
		   : s[0] >= 0xc2 && s[0] < 0xe0 ? 2
		   : (s[0] & 0xf0) == 0xe0       ? 3
		   : (s[0] & 0xf8) == 0xf0       ? 4
						 : 0;
	uint32_t c;

	if (n == 0 || n > len)
		return 0;
	c = n == 1 ? s[0] : s[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	*ret = c;
	return n;
}

/* C0, DEL and C1 */
static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

/* How many bytes from here on are the same in every form. Paths are long where trees are deep, so this decides how fast they
 * are. */
static size_t plain(const unsigned char *p, const unsigned char *end)
{
	const unsigned char *from = p;

	while (p < end && *p >= 0x20 && *p < 0x7f && *p != '"' && *p != '\\')
		p++;
	return (size_t)(p - from);
}

void put_escaped(FILE *out, const char *s, size_t len, bool backslash)
{
	static const char letters[] = "\a\b\t\n\v\f\r";
	static const char named[] = "abtnvfr";
	const unsigned char *p = (const unsigned char *)s, *end = p + len;
	const char *letter;
	uint32_t c = 0;
	size_t n;

	while (p < end) {
		n = plain(p, end);
		if (n > 0) {
			fwrite(p, 1, n, out);
			p += n;
			continue;
		}
		n = utf8_sequence(p, (size_t)(end - p), &c);
		if (n > 0 && !is_control(c)) {
			if (c == '\\' && backslash)
				putc('\\', out);
			fwrite(p, 1, n, out);
			p += n;
			continue;
		}
		letter = *p != 0 ? strchr(letters, *p) : NULL;
		if (n == 1 && letter != NULL) {
			fprintf(out, "\\%c", named[letter - letters]);
			p++;
			continue;
		}
		for (n = n == 0 ? 1 : n; n > 0; n--)
			fprintf(out, "\\%03o", *p++);
	}
}

void put_name(const char *name)
{
	static int terminal = -1;

	if (terminal < 0)
		terminal = isatty(STDOUT_FILENO);
	if (terminal)
		put_escaped(stdout, name, strlen(name), true);
	else
		fputs(name, stdout);
}

void put_json_string(FILE *out, const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s, *end = p + len;
	uint32_t c = 0;
	size_t n;

	putc('"', out);
	while (p < end) {
		n = plain(p, end);
		if (n > 0) {
			fwrite(p, 1, n, out);
			p += n;
			continue;
		}
		n = utf8_sequence(p, (size_t)(end - p), &c);
		if (n == 0) {
			fprintf(out, "\\udc%02x", *p++);
			continue;
		}
		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", (char)c);
		else if (is_control(c))
			fprintf(out, "\\u%04x", (unsigned)c);
		else
			fwrite(p, 1, n, out);
		p += n;
	}
	putc('"', out);
}

const char *short_size_text(uint64_t bytes, char buf[SIZE_TEXT])
{
	static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double scaled = (double)bytes;
	size_t unit = 0;

	for (; scaled >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0]); unit++)
		scaled /= 1024;
	snprintf(buf, SIZE_TEXT, "%.*f %s", unit == 0 ? 0 : 1, scaled, units[unit]);
	return buf;
}

const char *size_text(uint64_t bytes, char buf[SIZE_TEXT])
{
	char scaled[SIZE_TEXT];

	if (bytes < 1024)
		snprintf(buf, SIZE_TEXT, "%" PRIu64, bytes);
	else
		snprintf(buf, SIZE_TEXT, "%" PRIu64 " (%.24s)", bytes, short_size_text(bytes, scaled));
	return buf;
}

bool parse_size(const char *text, size_t *ret)
{
	static const char units[] = "KMG";
	uint64_t n = 0;
	const char *unit;
	int shift = 0;

	if (*text < '0' || *text > '9')
		return false;
	for (; *text >= '0' && *text <= '9'; text++) {
		n = n * 10 + (uint64_t)(*text - '0');
		if (n > SIZE_LIMIT)
			return false;
	}
	unit = *text != '\0' ? strchr(units, *text & ~0x20) : NULL;
	if (unit != NULL) {
		shift = 10 * (int)(unit - units + 1);
		text++;
	}
	if (*text != '\0' && strcasecmp(text, "B") != 0 && (unit == NULL || strcasecmp(text, "iB") != 0))
		return false;
	if (n == 0 || n > SIZE_LIMIT >> shift)
		return false;
	*ret = (size_t)n << shift;
	return true;
}

const char *short_time_text(const struct timespec *t, time_t now, char buf[TIME_TEXT])
{
	struct tm tm;
	bool recent = t->tv_sec > now - HALF_YEAR && t->tv_sec <= now;

	if (localtime_r(&t->tv_sec, &tm) == NULL || strftime(buf, TIME_TEXT, recent ? "%b %e %H:%M" : "%b %e  %Y", &tm) == 0)
		snprintf(buf, TIME_TEXT, "%jd", (intmax_t)t->tv_sec);
	return buf;
}

const char *long_time_text(const struct timespec *t, char buf[TIME_TEXT])
{
	char date[TIME_TEXT / 2], zone[8];
	struct tm tm;

	if (localtime_r(&t->tv_sec, &tm) == NULL || strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &tm) == 0 ||
	    strftime(zone, sizeof(zone), "%z", &tm) == 0)
		snprintf(buf, TIME_TEXT, "%jd.%09ld", (intmax_t)t->tv_sec, t->tv_nsec);
	else
		snprintf(buf, TIME_TEXT, "%s.%09ld %s", date, t->tv_nsec, zone);
	return buf;
}

const char *iso_time_text(const struct timespec *t, char buf[TIME_TEXT])
{
	char date[TIME_TEXT / 2];
	struct tm tm;

	if (gmtime_r(&t->tv_sec, &tm) == NULL || strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		snprintf(buf, TIME_TEXT, "%jd.%09ld", (intmax_t)t->tv_sec, t->tv_nsec);
	else
		snprintf(buf, TIME_TEXT, "%s.%09ldZ", date, t->tv_nsec);
	return buf;
}

static char execute_letter(bool executable, bool special, char letter)
{
	if (special)
		return executable ? letter : (char)(letter - 'a' + 'A');
	return executable ? 'x' : '-';
}

const char *mode_text(uint32_t mode, char buf[MODE_TEXT])
{
	buf[0] = S_ISDIR(mode)    ? 'd'
		 : S_ISLNK(mode)  ? 'l'
		 : S_ISCHR(mode)  ? 'c'
		 : S_ISBLK(mode)  ? 'b'
		 : S_ISFIFO(mode) ? 'p'
		 : S_ISSOCK(mode) ? 's'
				  : '-';
	for (int i = 0; i < 3; i++) {
		uint32_t bits = mode >> (6 - 3 * i);

		buf[1 + 3 * i] = bits & 4 ? 'r' : '-';
		buf[2 + 3 * i] = bits & 2 ? 'w' : '-';
		buf[3 + 3 * i] = execute_letter(bits & 1, (mode >> (11 - i)) & 1, i == 2 ? 't' : 's');
	}
	buf[10] = '\0';
	return buf;
}

const char *type_text(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return "directory";
	case S_IFLNK:
		return "symbolic link";
	case S_IFCHR:
		return "character device";
	case S_IFBLK:
		return "block device";
	case S_IFIFO:
		return "fifo";
	case S_IFSOCK:
		return "socket";
	default:
		return "regular file";
	}
}

/*
 * The name database is asked once for a run of equal numbers: a directory's files mostly belong to
 * one user.
 */
struct owner_cache {
	bool known;
	uint32_t id;
	char text[OWNER_TEXT];
};

static const char *owner_text(struct owner_cache *cache, uint32_t id, const char *(*look_up)(uint32_t), char buf[OWNER_TEXT])
{
	const char *name;

	if (!cache->known || cache->id != id) {
		name = look_up(id);
		if (name != NULL)
			snprintf(cache->text, OWNER_TEXT, "%s", name);
		else
			snprintf(cache->text, OWNER_TEXT, "%" PRIu32, id);
		cache->id = id;
		cache->known = true;
	}
	memcpy(buf, cache->text, OWNER_TEXT);
	return buf;
}

static const char *look_up_user(uint32_t uid)
{
	/* cppcheck-suppress getpwuidCalled ; one thread prints */
	const struct passwd *pw = getpwuid(uid);

	return pw != NULL ? pw->pw_name : NULL;
}

static const char *look_up_group(uint32_t gid)
{
	/* cppcheck-suppress getgrgidCalled ; one thread prints */
	const struct group *gr = getgrgid(gid);

	return gr != NULL ? gr->gr_name : NULL;
}

const char *user_text(uint32_t uid, char buf[OWNER_TEXT])
{
	static struct owner_cache cache;

	return owner_text(&cache, uid, look_up_user, buf);
}

const char *group_text(uint32_t gid, char buf[OWNER_TEXT])
{
	static struct owner_cache cache;

	return owner_text(&cache, gid, look_up_group, buf);
}
