/*
 * guard.c - keeps the process alive when a page of a mapped container cannot be had (map.h,
 * "Faults"). Owns the process's SIGBUS handler once installed; every fault elsewhere goes to the
 * handler that was there before. The handler uses only what a signal handler may use.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine.h"
#include "map.h"

/* Containers mapped at one time beyond this many are not guarded. */
enum { GUARDED = 256 };

/* Read by the handler at any moment: a base of 0 is an empty slot, and `len` is set before base. */
static struct {
	_Atomic uintptr_t base;
	_Atomic size_t len;
} guarded[GUARDED];

/* Protects changes of guarded[] and the installation. */
static pthread_mutex_t guard_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool installed;
static struct sigaction earlier;
static uintptr_t page_size;

void guard_add(const uint8_t *base, size_t len)
{
	pthread_mutex_lock(&guard_lock);
	for (int i = 0; i < GUARDED; i++) {
		if (atomic_load(&guarded[i].base) == 0) {
			atomic_store(&guarded[i].len, len);
			atomic_store(&guarded[i].base, (uintptr_t)base);
			break;
		}
	}
	pthread_mutex_unlock(&guard_lock);
}

void guard_remove(const uint8_t *base)
{
	pthread_mutex_lock(&guard_lock);
	for (int i = 0; i < GUARDED; i++) {
		if (atomic_load(&guarded[i].base) == (uintptr_t)base)
			atomic_store(&guarded[i].base, 0);
	}
	pthread_mutex_unlock(&guard_lock);
}

bool guard_installed(void)
{
	return atomic_load_explicit(&installed, memory_order_relaxed);
}

static bool is_guarded(uintptr_t address)
{
	for (int i = 0; i < GUARDED; i++) {
		uintptr_t base = atomic_load(&guarded[i].base);
		if (base != 0 && address >= base && address - base < atomic_load(&guarded[i].len))
			return true;
	}
	return false;
}

static void pass_on(int sig, siginfo_t *info, void *context)
{
	if (earlier.sa_flags & SA_SIGINFO) {
		earlier.sa_sigaction(sig, info, context);
	} else if (earlier.sa_handler != SIG_DFL && earlier.sa_handler != SIG_IGN) {
		earlier.sa_handler(sig);
	} else {
		/* The access is repeated on return, and then ends the process as it would have. */
		signal(sig, SIG_DFL);
		if (info->si_code <= 0) /* sent by kill(2): nothing repeats it */
			raise(sig);
	}
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
	int saved = errno;
	uintptr_t address = (uintptr_t)info->si_addr;
	bool mended = false;

	if (info->si_code > 0 && is_guarded(address)) {
		void *page = (void *)(address & ~(page_size - 1));
		void *zeros = mmap(page, page_size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		mended = zeros == page;
		/* cppcheck-suppress memleak ; it stays for good */
	}
	if (!mended)
		pass_on(sig, info, context);
	errno = saved;
}

int reel_guard_faults(void)
{
	int err = 0;

	pthread_mutex_lock(&guard_lock);
	if (!installed) {
		struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
		page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
		sigemptyset(&action.sa_mask);
		/* Known before the handler can run, which needs it. */
		if (sigaction(SIGBUS, NULL, &earlier) < 0 || sigaction(SIGBUS, &action, NULL) < 0)
			err = -errno;
		else
			installed = true;
	}
	pthread_mutex_unlock(&guard_lock);
	return err;
}
