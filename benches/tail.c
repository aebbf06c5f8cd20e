// Both ends of benches/tail.sh. `tail send FILE PORT` is the least that a file to TCP can cost: one
// thread, read, find each LF, send. `tail drain PORT MESSAGES` takes what comes, counts the lines,
// and says how long they took, in seconds. `send` says what CPU it took, in nanoseconds.
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static char buffer[256 << 10];

static double seconds(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static uint64_t lines(size_t length) {
  uint64_t n = 0;
  for (char *lf = buffer, *end = buffer + length; (lf = memchr(lf, '\n', end - lf)); lf++) n++;
  return n;
}

static int drain(int listener, uint64_t wanted) {
  int from = accept(listener, 0, 0);
  double begun = 0;
  uint64_t n = 0;
  for (ssize_t got; n < wanted && (got = recv(from, buffer, sizeof buffer, 0)) > 0; n += lines(got))
    if (n == 0 && begun == 0) begun = seconds(CLOCK_MONOTONIC);
  printf("%.3f\n", seconds(CLOCK_MONOTONIC) - begun);
  return n == wanted ? 0 : (fprintf(stderr, "%lu lines\n", n), 1);
}

static int send_all(int to, const char *path) {
  int file = open(path, O_RDONLY);
  volatile uint64_t n = 0;
  for (ssize_t got; (got = read(file, buffer, sizeof buffer)) > 0;) {
    n += lines(got);
    for (ssize_t off = 0; off < got;) {
      ssize_t put = send(to, buffer + off, got - off, 0);
      if (put <= 0) return perror("send"), 1;
      off += put;
    }
  }
  printf("%.0f\n", seconds(CLOCK_PROCESS_CPUTIME_ID) * 1e9);
  return 0;
}

int main(int argc, char **argv) {
  int sends = argc == 4 && !strcmp(argv[1], "send");
  if (argc != 4) return fprintf(stderr, "usage: tail send FILE PORT | tail drain PORT MESSAGES\n"), 2;
  int one = 1, end = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  at.sin_port = htons(atoi(argv[sends ? 3 : 2]));
  if (sends) return connect(end, (void *)&at, sizeof at) ? perror("connect"), 1 : send_all(end, argv[2]);
  setsockopt(end, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(end, (void *)&at, sizeof at) || listen(end, 8)) return perror("listen"), 1;
  return drain(end, strtoull(argv[3], 0, 10));
}
