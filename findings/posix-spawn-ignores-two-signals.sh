#!/usr/bin/env bash
# glibc 2.36: a program that posix_spawn(3) starts ignores signals 32 and 33 from its first instruction, and so do its children.
#
# Without attributes a new program is to inherit what its parent ignores, and the parent ignores nothing: started by fork(2) and
# exec(2), or by vfork(2), the same program ignores nothing either. The two are the C library's own signals, which sigaction(3)
# refuses to touch, so neither parent nor child can see or undo it by the library's calls; /proc/PID/status shows it, and with it who
# started a daemon. What is right for one process of a machine (make, which spawns) is wrong for the next (a shell, which
# forks): a check that a service ignores no signal passes by hand and fails in a build.
#
# The library is run by its own loader. Needs gcc and Debian 12's package sources. Prints what it sees; fails when that changes.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get -q download libc6=2.36-9+deb12u14 >apt.log 2>&1 || {
	cat apt.log
	exit 1
}
dpkg -x ./libc6_*.deb root

cat >start.c <<'C'
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

int main(int argc, char **argv)
{
	static const unsigned long by_default[4]; /* the kernel's struct sigaction */
	char *program[] = {"/bin/grep", "SigIgn", "/proc/self/status", NULL};
	pid_t child = 0;

	if (argc < 2)
		return 2;
	/* This one, too, may have been started so. */
	for (int sig = 1; sig <= 64; sig++)
		(void)syscall(SYS_rt_sigaction, sig, by_default, NULL, 8);
	if (strcmp(argv[1], "posix_spawn") == 0) {
		if (posix_spawn(&child, program[0], NULL, NULL, program, environ) != 0)
			return 2;
	} else {
		child = strcmp(argv[1], "fork") == 0 ? fork() : vfork();
		if (child == 0) {
			execv(program[0], program);
			_exit(2);
		}
	}
	return waitpid(child, NULL, 0) == child ? 0 : 2;
}
C
gcc -o start start.c

# started WAY: what a program ignores that was started so.
started() {
	echo "$1: $(root/lib64/ld-linux-x86-64.so.2 --library-path root/lib/x86_64-linux-gnu ./start "$1" | tr '\t' ' ')"
}

cat >expected <<'TXT'
fork: SigIgn: 0000000000000000
vfork: SigIgn: 0000000000000000
posix_spawn: SigIgn: 0000000180000000
TXT
{
	started fork
	started vfork
	started posix_spawn
} | tee seen
diff expected seen && echo "as described"
