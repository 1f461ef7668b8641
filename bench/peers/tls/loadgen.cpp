// SPDX-License-Identifier: MIT
// The load of the TLS comparison, the same against every peer's server: OpenSSL on epoll, one
// thread, 127.0.0.1. Each connection sends SIZE bytes, waits for them back, and begins again.
//
//     loadgen PORT PID CONNECTIONS SIZE SECONDS
//
// PID is the server's: its processor clock is read from outside. TLS 1.3 with AES-128-GCM is all
// that is offered, so that every server speaks it. Prints METRIC VALUE UNIT, one a line.
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <arpa/inet.h>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace {

constexpr unsigned seconds_max = 120;
constexpr double warm_up_share = 0.2; // of the time that is measured
constexpr std::size_t read_bytes = 64 * 1024;

double clock_ns(clockid_t clock) {
    timespec now{};
    ::clock_gettime(clock, &now);
    return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

[[noreturn]] void die(const char* what) {
    std::perror(what);
    ERR_print_errors_fp(stderr);
    std::exit(1);
}

class Connection {
public:
    Connection(SSL_CTX* context, int port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(static_cast<std::uint16_t>(port));
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const int on = 1;
        if (fd_ < 0 || ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
            ::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
            die("connect");
        }
        ssl_ = SSL_new(context);
        if (ssl_ == nullptr || SSL_set_fd(ssl_, fd_) != 1 || SSL_connect(ssl_) != 1) die("TLS");
        if (::fcntl(fd_, F_SETFL, O_NONBLOCK) != 0) die("fcntl");
    }

    void watch(int poll) {
        epoll_event event{};
        event.events = EPOLLIN | EPOLLOUT | EPOLLET;
        event.data.ptr = this;
        if (::epoll_ctl(poll, EPOLL_CTL_ADD, fd_, &event) != 0) die("epoll_ctl");
    }

    void begin(const std::vector<char>& message) {
        sent_ = received_ = 0;
        begun_ns_ = clock_ns(CLOCK_MONOTONIC);
        send(message);
    }

    void send(const std::vector<char>& message) {
        while (sent_ < message.size()) {
            const int bytes =
                SSL_write(ssl_, message.data() + sent_, static_cast<int>(message.size() - sent_));
            if (bytes <= 0) return must_wait(bytes);
            sent_ += static_cast<std::size_t>(bytes);
        }
    }

    /// Returns whether all has come back.
    bool receive(std::vector<char>& into, std::size_t whole) {
        while (received_ < whole) {
            const int bytes = SSL_read(ssl_, into.data(), static_cast<int>(into.size()));
            if (bytes <= 0) {
                must_wait(bytes);
                return false;
            }
            received_ += static_cast<std::size_t>(bytes);
        }
        if (received_ != whole) die("more came back than was sent");
        return true;
    }

    double begun_ns() const { return begun_ns_; }
    const char* cipher() const { return SSL_get_cipher_name(ssl_); }

private:
    void must_wait(int result) const {
        const int why = SSL_get_error(ssl_, result);
        if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) die("connection");
    }

    int fd_;
    SSL* ssl_ = nullptr;
    std::size_t sent_ = 0;
    std::size_t received_ = 0;
    double begun_ns_ = 0;
};

SSL_CTX* make_context() {
    SSL_CTX* context = SSL_CTX_new(TLS_client_method());
    if (context == nullptr || SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") != 1) {
        die("context");
    }
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return context;
}

/// What is taken before and after.
struct Clocks {
    explicit Clocks(clockid_t server)
        : wall(clock_ns(CLOCK_MONOTONIC)), server_cpu(clock_ns(server)) {}
    double wall;
    double server_cpu;
};

void print(const Clocks& from, const Clocks& to, std::vector<double>& latencies_ns) {
    const auto count = static_cast<double>(latencies_ns.size());
    if (latencies_ns.empty()) die("nothing has come back");
    std::sort(latencies_ns.begin(), latencies_ns.end());
    const auto quantile = [&](double q) {
        return latencies_ns[static_cast<std::size_t>(q * (count - 1))] / 1e3;
    };
    std::printf("server_cpu %.1f ns/op\n", (to.server_cpu - from.server_cpu) / count);
    std::printf("rate %.0f /s\n", count / (to.wall - from.wall) * 1e9);
    std::printf("p50 %.1f us\np99 %.1f us\n", quantile(0.5), quantile(0.99));
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 6) {
        std::fprintf(stderr, "usage: loadgen PORT PID CONNECTIONS SIZE SECONDS\n");
        return 2;
    }
    ::alarm(seconds_max);
    clockid_t server{};
    if (::clock_getcpuclockid(std::atoi(argv[2]), &server) != 0) die("no such server");
    const std::vector<char> message(std::strtoul(argv[4], nullptr, 10), 'x');
    const double seconds = std::atof(argv[5]);

    SSL_CTX* context = make_context();
    const int poll = ::epoll_create1(0);
    std::vector<Connection> connections;
    const auto count = std::strtoul(argv[3], nullptr, 10);
    connections.reserve(count);
    for (std::size_t i = 0; i < count; ++i) connections.emplace_back(context, std::atoi(argv[1]));
    if (std::strcmp(connections.front().cipher(), "TLS_AES_128_GCM_SHA256") != 0) die("cipher");
    for (Connection& one : connections) {
        one.watch(poll);
        one.begin(message);
    }

    std::vector<char> into(read_bytes);
    std::vector<double> latencies_ns;
    std::vector<epoll_event> events(count);
    Clocks from(server);
    const double begin_ns = from.wall + seconds * warm_up_share * 1e9;
    bool measuring = false;
    for (;;) {
        const int ready = ::epoll_wait(poll, events.data(), static_cast<int>(count), 100);
        const double now_ns = clock_ns(CLOCK_MONOTONIC);
        if (!measuring && now_ns >= begin_ns) {
            measuring = true;
            from = Clocks(server);
        }
        if (measuring && now_ns >= from.wall + seconds * 1e9) break;
        for (int i = 0; i < ready; ++i) {
            Connection& one =
                *static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr);
            one.send(message);
            if (!one.receive(into, message.size())) continue;
            if (measuring) latencies_ns.push_back(clock_ns(CLOCK_MONOTONIC) - one.begun_ns());
            one.begin(message);
        }
    }
    print(from, Clocks(server), latencies_ns);
}
