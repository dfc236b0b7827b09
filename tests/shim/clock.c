/* Preloaded into a node: its wall clock, and no other, is off by HALCYON_SHIM_CLOCK_OFF_S seconds. */

#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *at)
{
    long done = syscall(SYS_clock_gettime, clock, at);
    if (done == 0 && clock == CLOCK_REALTIME) {
        const char *off = getenv("HALCYON_SHIM_CLOCK_OFF_S");
        if (off)
            at->tv_sec += atol(off);
    }
    return (int)done;
}
