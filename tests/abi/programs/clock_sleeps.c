/* clock_nanosleep(2), nanosleep(2): relative and absolute, the clocks, what is left, and the errors. */
#include "check.h"
#include <signal.h>
#include <sys/time.h>

static void handler(int signal)
{
    (void)signal;
}

static struct timespec in(clockid_t clock, long ms)
{
    struct timespec t;
    clock_gettime(clock, &t);
    t.tv_nsec += ms % 1000 * 1000000;
    t.tv_sec += ms / 1000 + t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

/* clock_nanosleep(2) returns its error instead of setting errno. */
static const char *slept(int error)
{
    return error ? strerrorname_np(error) : "slept";
}

static void sleep_on(const char *name, clockid_t clock)
{
    struct timespec relative = {0, 15000000}, absolute = in(clock, 15), past = {1, 0};
    long before = now_ms();
    printf("%s: relative %s", name, slept(clock_nanosleep(clock, 0, &relative, NULL)));
    printf(", absolute %s", slept(clock_nanosleep(clock, TIMER_ABSTIME, &absolute, NULL)));
    printf(", past %s\n", slept(clock_nanosleep(clock, TIMER_ABSTIME, &past, NULL)));
    CHECK(now_ms() - before >= 14);
}

int main(void)
{
    struct timespec left = {-7, -7}, zero = {0, 0}, bad = {0, 1000000000}, negative = {-1, 0};
    sleep_on("realtime", CLOCK_REALTIME);
    sleep_on("monotonic", CLOCK_MONOTONIC);
    sleep_on("boottime", CLOCK_BOOTTIME);
    sleep_on("tai", CLOCK_TAI);
    const clockid_t refused[] = {CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE,
                                 CLOCK_THREAD_CPUTIME_ID, 99, -1};
    for (int i = 0; i < 6; i++)
        printf("clock %d: %s\n", i, slept(clock_nanosleep(refused[i], 0, &zero, NULL)));
    printf("zero: %s\n", slept(clock_nanosleep(CLOCK_MONOTONIC, 0, &zero, &left)));
    CHECK(left.tv_sec == -7);
    printf("bad: %s\n", slept(clock_nanosleep(CLOCK_MONOTONIC, 0, &bad, NULL)));
    printf("negative: %s\n", slept(clock_nanosleep(CLOCK_MONOTONIC, 0, &negative, NULL)));
    printf("negative, absolute: %s\n", slept(clock_nanosleep(CLOCK_MONOTONIC, 1, &negative, NULL)));
    printf("no address: %s\n", slept(clock_nanosleep(CLOCK_MONOTONIC, 0, (void *)1, NULL)));
    printf("unknown flag: %s\n", slept(clock_nanosleep(CLOCK_MONOTONIC, 8, &zero, NULL)));
    SHOW(nanosleep(&bad, NULL));
    SHOW(nanosleep(&negative, NULL));
    SHOW(nanosleep((void *)1, NULL));
    SHOW(nanosleep(&zero, NULL));

    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    struct itimerval soon = {{0, 0}, {0, 20000}};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &soon, NULL);
    struct timespec second = {1, 0};
    printf("interrupted: %s\n", slept(clock_nanosleep(CLOCK_REALTIME, 0, &second, &left)));
    CHECK(left.tv_sec == 0 && left.tv_nsec > 500000000);
    left = (struct timespec){-7, -7};
    second = in(CLOCK_MONOTONIC, 1000);
    setitimer(ITIMER_REAL, &soon, NULL);
    printf("absolute: %s\n", slept(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &second, &left)));
    CHECK(left.tv_sec == -7); /* an absolute sleep tells nothing of what is left */
    second = (struct timespec){1, 0};
    setitimer(ITIMER_REAL, &soon, NULL);
    SHOW(nanosleep(&second, (void *)1));
    setitimer(ITIMER_REAL, &soon, NULL);
    SHOW(nanosleep(&second, &second)); /* in place */
    CHECK(second.tv_sec == 0 && second.tv_nsec > 500000000);
    return 0;
}
