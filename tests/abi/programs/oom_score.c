/* proc(5) /proc/PID/oom_score_adj: values, the child's, and who may lower it. */
#include "process.h"

static int adjust(const char *text)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_TRUNC);
    MUST(fd);
    int result = write(fd, text, strlen(text)), error = errno;
    close(fd);
    errno = error;
    return result;
}

static void tell(void)
{
    char text[32] = "";
    int fd = open("/proc/self/oom_score_adj", O_RDONLY);
    MUST(fd);
    MUST(read(fd, text, sizeof text - 1));
    printf("%s", text);
    close(fd);
}

static int child_of_it(void)
{
    tell();
    MUST(setresuid(54380, 54380, 54380));
    tell();
    return 0;
}

static int user(void)
{
    MUST(setresuid(54380, 54380, 54380));
    MUST(prctl(PR_SET_DUMPABLE, 1)); /* the file is its user's again */
    SHOW(adjust("800"));
    SHOW(adjust("700\n"));
    tell();
    return 0;
}

int main(void)
{
    tell();
    SHOW(adjust("500\n"));
    tell();
    SHOW(adjust(" 600 \n"));
    tell();
    SHOW(adjust("1001"));
    SHOW(adjust("-1001"));
    SHOW(adjust(""));
    SHOW(adjust("7x"));
    SHOW(adjust("+650"));
    tell();
    run("child", child_of_it);
    run("user", user);
    return 0;
}
