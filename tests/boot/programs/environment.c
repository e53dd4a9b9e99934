/* Prints its environment, one variable a line, bytes that are not plain as \ooo; with a variable
 * STAY it then waits for a signal. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

extern char **environ;

int main(void)
{
    for (char **variable = environ; *variable; variable++) {
        for (const unsigned char *byte = (const unsigned char *)*variable; *byte; byte++)
            printf(*byte < ' ' || *byte > '~' || *byte == '\\' ? "\\%03o" : "%c", *byte);
        printf("\n");
    }
    fflush(stdout);
    if (getenv("STAY"))
        pause();
    return 0;
}
