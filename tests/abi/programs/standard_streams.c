/* stdio(3): buffering, positions, ungetc, append and update modes, and errors that stick. */
#include "check.h"
#include <stdio_ext.h>

int main(void)
{
    char line[64], *grown = NULL;
    size_t size = 0;
    FILE *file = fopen("f", "w+");
    CHECK(fprintf(file, "one\ntwo\nthree") == 13);
    SHOW(fflush(file));
    struct stat st;
    stat("f", &st);
    SHOW(st.st_size);
    rewind(file);
    while (fgets(line, sizeof line, file))
        printf("[%s]\n", line);
    SHOW(feof(file));
    SHOW(fseek(file, -5, SEEK_END));
    SHOW(fgetc(file));
    SHOW(ungetc('X', file));
    SHOW(fgetc(file));
    SHOW(ftell(file));
    SHOW(fseek(file, -1, SEEK_SET));
    SHOW(fputs("end", file) >= 0);
    SHOW(fclose(file));
    file = fopen("f", "a+");
    SHOW(ftell(file));
    SHOW(fgetc(file));
    SHOW(fputs("more", file) >= 0);
    SHOW(ftell(file));
    rewind(file);
    while (getline(&grown, &size, file) > 0)
        printf("<%s>\n", grown);
    free(grown);
    SHOW(fclose(file));
    CHECK(fopen("f", "wx") == NULL && errno == EEXIST);
    CHECK(fopen("absent", "r") == NULL && errno == ENOENT);
    CHECK(fopen("f", "?") == NULL && errno == EINVAL);

    file = fopen("f", "w");
    char buffer[16];
    SHOW(setvbuf(file, buffer, _IOFBF, sizeof buffer));
    fputs("0123456789", file);
    stat("f", &st);
    SHOW(st.st_size);
    fputs("0123456789", file);
    stat("f", &st);
    CHECK(st.st_size >= 10 && st.st_size <= 20);
    fclose(file);
    file = fopen("f", "w");
    setvbuf(file, NULL, _IOLBF, 0);
    fputs("line\nrest", file);
    stat("f", &st);
    CHECK(st.st_size == 5 || st.st_size == 9);
    fclose(file);
    file = fopen("f", "w");
    setvbuf(file, NULL, _IONBF, 0);
    fputc('c', file);
    stat("f", &st);
    SHOW(st.st_size);
    SHOW(fgetc(file));
    SHOW(ferror(file));
    clearerr(file);
    SHOW(ferror(file));
    int fd = dup(fileno(file));
    SHOW(fclose(file));
    file = fdopen(fd, "w");
    CHECK(file != NULL);
    SHOW(fwrite("abcdef", 2, 3, file));
    SHOW(fclose(file));
    file = fopen("/dev/full", "w");
    SHOW(fputs("x", file) >= 0);
    SHOW(fflush(file));
    CHECK(errno == ENOSPC);
    fclose(file);
    file = freopen("f", "r", fopen("/dev/null", "r"));
    CHECK(fgets(line, sizeof line, file) != NULL);
    printf("%s\n", line);
    fclose(file);
    int number = 0;
    SHOW(sscanf("42 words 3.5", "%d %s", &number, line));
    SHOW(number);
    CHECK(fmemopen(line, sizeof line, "r") != NULL);
    SHOW(remove("f"));
    return 0;
}
