// The least that TCP to a file can cost: one thread, recv, find each LF, write. Its CPU per message
// is what benches/file.sh measures the relay against. usage: file PORT FILE
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS = 2048 };

int main(int argc, char **argv) {
  if (argc != 3) return fprintf(stderr, "usage: file PORT FILE\n"), 2;
  int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  int file = open(argv[2], O_WRONLY | O_APPEND | O_CREAT, 0644);
  if (bind(listener, (void *)&at, sizeof at) || listen(listener, CONNECTIONS) || file < 0) return perror("file"), 1;
  static struct pollfd p[CONNECTIONS + 1];
  static char buffer[256 << 10];
  volatile uint64_t frames = 0;
  int n = 1;
  p[0] = (struct pollfd){.fd = listener, .events = POLLIN};
  for (;;) {
    poll(p, n, -1);
    if (p[0].revents && n <= CONNECTIONS) {
      int connection = accept(listener, 0, 0);
      if (connection >= 0) p[n++] = (struct pollfd){.fd = connection, .events = POLLIN};
    }
    for (int i = 1; i < n; i++) {
      if (!p[i].revents) continue;
      ssize_t got = recv(p[i].fd, buffer, sizeof buffer, 0);
      if (got <= 0) { close(p[i].fd); p[i--] = p[--n]; continue; }
      for (char *lf = buffer, *end = buffer + got; (lf = memchr(lf, '\n', end - lf)); lf++) frames++;
      for (ssize_t off = 0; off < got;) {
        ssize_t put = write(file, buffer + off, got - off);
        if (put <= 0) return perror("write"), 1;
        off += put;
      }
    }
  }
}
