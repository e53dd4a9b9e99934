/* sigprocmask(2), sigpending(2), sigsuspend(2), sigwaitinfo(2), sigtimedwait(2): blocking, order of
 * delivery, queued real-time signals. */
#include "check.h"
#include <pthread.h>
#include <signal.h>

static volatile int order[16], count;

static void note(int signal) { order[count++] = signal; }

static void *send_later(void *arg)
{
    sleep_ms(30);
    pthread_kill(*(pthread_t *)arg, SIGUSR1);
    return NULL;
}

int main(void)
{
    sigset_t set, old, pending;
    struct sigaction action = {.sa_handler = note};
    int signals[] = {SIGUSR1, SIGUSR2, SIGRTMIN, SIGRTMIN + 1};
    for (int i = 0; i < 4; i++)
        sigaction(signals[i], &action, NULL);

    sigemptyset(&set);
    for (int i = 0; i < 4; i++)
        sigaddset(&set, signals[i]);
    MUST(sigprocmask(SIG_BLOCK, &set, &old));
    kill(getpid(), SIGUSR1);
    kill(getpid(), SIGUSR1);
    for (int i = 0; i < 3; i++)
        sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i});
    sigpending(&pending);
    CHECK(sigismember(&pending, SIGUSR1) && sigismember(&pending, SIGRTMIN));
    CHECK(!sigismember(&pending, SIGUSR2) && count == 0);

    siginfo_t info;
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, SIGRTMIN);
    CHECK(sigwaitinfo(&one, &info) == SIGRTMIN && info.si_value.sival_int == 0);
    struct timespec none = {0, 0}, some = {0, 20000000};
    CHECK(sigtimedwait(&one, &info, &none) == SIGRTMIN && info.si_value.sival_int == 1);
    MUST(sigprocmask(SIG_SETMASK, &old, NULL));
    printf("delivered:");
    for (int i = 0; i < count; i++)
        printf(" %s", order[i] == SIGUSR1 ? "USR1" : order[i] == SIGRTMIN ? "RTMIN" : "other");
    printf("\n");

    sigprocmask(SIG_BLOCK, &set, NULL);
    SHOW(sigtimedwait(&one, &info, &none));
    long before = now_ms();
    SHOW(sigtimedwait(&one, &info, &some));
    CHECK(now_ms() - before >= 19);

    pthread_t main_thread = pthread_self(), sender;
    count = 0;
    pthread_create(&sender, NULL, send_later, &main_thread);
    sigset_t all_but_usr1;
    sigfillset(&all_but_usr1);
    sigdelset(&all_but_usr1, SIGUSR1);
    SHOW(sigsuspend(&all_but_usr1));
    CHECK(count == 1 && order[0] == SIGUSR1);
    sigprocmask(SIG_SETMASK, NULL, &old);
    CHECK(sigismember(&old, SIGUSR1) && sigismember(&old, SIGUSR2) && !sigismember(&old, SIGTERM));
    pthread_join(sender, NULL);

    pthread_create(&sender, NULL, send_later, &main_thread);
    sigemptyset(&one);
    sigaddset(&one, SIGUSR1);
    int taken;
    CHECK(sigwait(&one, &taken) == 0 && taken == SIGUSR1 && count == 1);
    pthread_join(sender, NULL);

    sigset_t kill_too;
    sigfillset(&kill_too);
    sigprocmask(SIG_SETMASK, &kill_too, NULL);
    sigprocmask(SIG_SETMASK, NULL, &old);
    CHECK(!sigismember(&old, SIGKILL) && !sigismember(&old, SIGSTOP));
    SHOW(sigprocmask(77, &set, NULL));
    return 0;
}
