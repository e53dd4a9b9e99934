/* Says that it runs, and waits for ever: for tests that look at the machine from outside. */
#include <stdio.h>
#include <unistd.h>

int main(void)
{
    puts("running");
    fflush(stdout);
    for (;;)
        pause();
}
