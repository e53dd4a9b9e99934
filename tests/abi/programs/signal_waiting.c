/* sigsuspend(2), sigpending(2), sigprocmask(2), sigwait(3): masks of threads and of the process. */
#include "check.h"
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>

static sem_t up;
static volatile int handled_by_main, handled_by_other;
static pthread_t main_thread;

static void handler(int signal)
{
    (void)signal;
    if (pthread_equal(pthread_self(), main_thread))
        handled_by_main++;
    else
        handled_by_other++;
}

static void *waits(void *arg)
{
    sigset_t set;
    int signal = 0;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sem_post(&up);
    sigwait(&set, &signal);
    return (void *)(long)signal;
}

static void *takes_process_signals(void *arg)
{
    sigset_t none;
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
    sem_post(&up);
    sleep_ms(20);
    return arg;
}

static void *has_its_own(void *arg)
{
    sigset_t pending;
    pthread_kill(pthread_self(), SIGUSR1);
    sigpending(&pending);
    SHOW(sigismember(&pending, SIGUSR1));
    sem_post(&up);
    sem_wait((sem_t *)arg);
    return NULL;
}

int main(void)
{
    sigset_t all, old, empty, usr1;
    pthread_t thread;
    void *result;
    main_thread = pthread_self();
    sem_init(&up, 0, 0);
    signal(SIGUSR1, handler);
    sigfillset(&all);
    sigemptyset(&empty);
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    SHOW(sigprocmask(SIG_SETMASK, &all, &old));
    SHOW(sigismember(&old, SIGUSR1));
    SHOW(sigprocmask(SIG_BLOCK, NULL, &old));
    printf("KILL %d, STOP %d, USR1 %d, RTMAX %d\n", sigismember(&old, SIGKILL),
           sigismember(&old, SIGSTOP), sigismember(&old, SIGUSR1), sigismember(&old, SIGRTMAX));
    SHOW(sigprocmask(SIG_UNBLOCK, &usr1, NULL));
    SHOW(sigprocmask(9, &usr1, NULL));
    SHOW(sigprocmask(9, NULL, &old)); /* nothing to do: not looked at */
    SHOW(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &usr1, NULL, 4));
    SHOW(syscall(SYS_rt_sigprocmask, SIG_BLOCK, 1L, NULL, 8));
    SHOW(syscall(SYS_rt_sigpending, 1L, 8));
    SHOW(syscall(SYS_rt_sigsuspend, 1L, 8));
    SHOW(syscall(SYS_rt_sigsuspend, &empty, 4));

    sigprocmask(SIG_SETMASK, &all, NULL);
    raise(SIGUSR1);
    kill(getpid(), SIGUSR1); /* pending for the thread and for the process */
    SHOW(sigsuspend(&empty));
    SHOW(handled_by_main);
    sigprocmask(SIG_BLOCK, NULL, &old);
    SHOW(sigismember(&old, SIGUSR1));

    pthread_create(&thread, NULL, waits, NULL);
    sem_wait(&up);
    kill(getpid(), SIGUSR2); /* goes to the thread that waits for it */
    pthread_join(thread, &result);
    SHOW((long)result);

    handled_by_main = 0;
    pthread_create(&thread, NULL, takes_process_signals, NULL);
    sem_wait(&up);
    kill(getpid(), SIGUSR1); /* goes to the thread that does not block it */
    pthread_join(thread, NULL);
    printf("main %d, other %d\n", handled_by_main, handled_by_other);

    sem_t go;
    sem_init(&go, 0, 0);
    pthread_create(&thread, NULL, has_its_own, &go);
    sem_wait(&up);
    sigpending(&old);
    SHOW(sigismember(&old, SIGUSR1)); /* another thread's is not seen */
    sem_post(&go);
    pthread_join(thread, NULL);
    sigpending(&old);
    SHOW(sigisemptyset(&old));
    CHECK(pthread_kill(main_thread, 0) == 0 && pthread_kill(main_thread, 65) == EINVAL);
    return 0;
}
