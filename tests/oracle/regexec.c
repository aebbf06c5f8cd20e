/* What regcomp(3) and regexec(3) of the C library make of expressions and texts: reads lines of
 * tests/data/posix and writes them with the answers. See tests/it/posix.rs. */
#define _GNU_SOURCE
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { GROUPS = 50 };

static void answer(const regex_t *regex, const char *line, size_t groups)
{
    regmatch_t found[GROUPS];
    printf("%s\t", line);
    if (regexec(regex, line + 2, groups + 1, found, 0) != 0) {
        puts("none");
        return;
    }
    for (size_t at = 0; at <= groups; at++) {
        if (at > 0)
            putchar(' ');
        if (found[at].rm_so < 0)
            putchar('-');
        else
            printf("%d-%d", (int)found[at].rm_so, (int)found[at].rm_eo);
    }
    putchar('\n');
}

int main(void)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t length;
    regex_t regex;
    int compiled = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    while ((length = getline(&line, &room, stdin)) > 0) {
        if (line[length - 1] == '\n')
            line[length - 1] = '\0';
        char *answered = strchr(line, '\t');
        if (answered != NULL)
            *answered = '\0';
        char kind = line[0];
        if (kind == '=' || kind == '~') {
            if (compiled)
                answer(&regex, line, regex.re_nsub < GROUPS ? regex.re_nsub : GROUPS - 1);
            continue;
        }
        if (strchr("EBeb", kind) == NULL || kind == '\0') {
            puts(line);
            continue;
        }
        /* Some expressions would take minutes. */
        alarm(2);
        int flags = (kind == 'E' || kind == 'e' ? REG_EXTENDED : 0)
            | (kind == 'e' || kind == 'b' ? REG_ICASE : 0);
        if (compiled)
            regfree(&regex);
        compiled = regcomp(&regex, line + 2, flags) == 0;
        printf("%s%s\n", line, compiled ? "" : "\trefused");
    }
    return 0;
}
