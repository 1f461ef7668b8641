// SPDX-License-Identifier: MIT
// The limit: OpenSSL on sockets and epoll, with nothing between. It reads ahead, and does not ask
// the kernel again for what has been read: one recv() a small request. raw PORT CERT KEY
#include <openssl/ssl.h>

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

constexpr unsigned seconds_max = 900;
std::array<char, 64 * 1024> buffer; // what is read is written before anything else is read

struct Connection {
    int fd;
    SSL* ssl;
    int waiting = 0; // of what was read, what could not be written
    std::array<char, 64 * 1024> kept{};
};

void end(Connection* connection) {
    SSL_free(connection->ssl);
    ::close(connection->fd);
    delete connection;
}

/// Returns whether the connection goes on, or has to wait.
bool may_wait(const Connection& connection, int result) {
    const int why = SSL_get_error(connection.ssl, result);
    return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE;
}

bool serve(Connection& connection) {
    if (connection.waiting > 0) {
        const int bytes = SSL_write(connection.ssl, connection.kept.data(), connection.waiting);
        if (bytes <= 0) return may_wait(connection, bytes);
        connection.waiting = 0;
    }
    do {
        const int bytes = SSL_read(connection.ssl, buffer.data(), static_cast<int>(buffer.size()));
        if (bytes <= 0) return may_wait(connection, bytes);
        const int result = SSL_write(connection.ssl, buffer.data(), bytes);
        if (result > 0) continue;
        if (!may_wait(connection, result)) return false;
        std::copy_n(buffer.data(), bytes, connection.kept.data());
        connection.waiting = bytes;
        return true;
    } while (SSL_has_pending(connection.ssl) == 1);
    return true;
}

/// Level-triggered: what is not read yet is told of again.
void watch(int poll, int operation, Connection* connection) {
    epoll_event event{};
    event.events = connection->waiting > 0 ? EPOLLOUT : EPOLLIN;
    event.data.ptr = connection;
    ::epoll_ctl(poll, operation, connection->fd, &event);
}

void accept_all(int listening, int poll, SSL_CTX* context) {
    for (;;) {
        const int fd = ::accept4(listening, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) return;
        const int on = 1;
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        SSL* ssl = SSL_new(context);
        SSL_set_fd(ssl, fd);
        SSL_set_accept_state(ssl);
        watch(poll, EPOLL_CTL_ADD, new Connection{fd, ssl});
    }
}

int listen_on(int port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(static_cast<std::uint16_t>(port));
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool good = ::bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0 &&
                      ::listen(fd, 4096) == 0;
    return good ? fd : -1;
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    ::alarm(seconds_max);
    SSL_CTX* context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_mode(context, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_default_read_buffer_len(context, buffer.size());
    if (SSL_CTX_use_certificate_chain_file(context, argv[2]) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, argv[3], SSL_FILETYPE_PEM) != 1) {
        return 1;
    }
    const int listening = listen_on(std::atoi(argv[1]));
    if (listening < 0) return 1;
    const int poll = ::epoll_create1(EPOLL_CLOEXEC);
    epoll_event event{};
    event.events = EPOLLIN;
    ::epoll_ctl(poll, EPOLL_CTL_ADD, listening, &event);
    std::array<epoll_event, 256> events{};
    for (;;) {
        const int ready = ::epoll_wait(poll, events.data(), static_cast<int>(events.size()), -1);
        for (int i = 0; i < ready; ++i) {
            auto* connection =
                static_cast<Connection*>(events.data()[static_cast<std::size_t>(i)].data.ptr);
            if (connection == nullptr) {
                accept_all(listening, poll, context);
                continue;
            }
            const bool waited = connection->waiting > 0;
            if (!serve(*connection)) {
                end(connection);
            } else if (waited != (connection->waiting > 0)) {
                watch(poll, EPOLL_CTL_MOD, connection);
            }
        }
    }
}
