// SPDX-License-Identifier: MIT
// Which TCP ports of a host are open? Tries many at a time, but never more than 256.
// Usage: port_scanner HOST [FIRST-LAST]   (1-1024; without arguments, it finds a server of its own)
#include <asyncio/asyncio.h>

#include <algorithm>
#include <charconv>
#include <iostream>
#include <netdb.h>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

using namespace std::chrono_literals;

constexpr int tries_at_a_time = 256; // each needs a descriptor
constexpr auto patience = 3s; // with a port that does not say no, either

struct Ports {
    int first = 1;
    int last = 1024;
};

/// The scan of one address, which many workers share.
struct Scan {
    Scan(std::string address, Ports range) : host(std::move(address)), ports(range) {}
    std::string host;
    Ports ports; // from the next one that nobody has taken
    int open = 0;
    int closed = 0;
    int silent = 0; // most likely behind a firewall
};

bool is_silence(const asyncio::OSError& error) {
    const int number = error.errnum();
    return number == ETIMEDOUT || number == EHOSTUNREACH || number == ENETUNREACH;
}

asyncio::Coro<> report_open(asyncio::Address address) {
    auto& loop = asyncio::get_running_loop();
    const auto names = co_await loop.getnameinfo(address, NI_NUMERICHOST);
    std::cout << "  " << to_string(address);
    if (names.second != std::to_string(address.port())) std::cout << "  " << names.second;
    std::cout << std::endl;
}

asyncio::Coro<> try_port(Scan& scan, int port) {
    try {
        auto opening = asyncio::open_connection(scan.host, port);
        auto [reader, writer] = co_await asyncio::wait_for(std::move(opening), patience);
        const auto address = writer.peername();
        const bool with_itself = address == writer.sockname(); // by chance; nobody listens there
        writer.close();
        ++(with_itself ? scan.closed : scan.open);
        if (!with_itself) co_await report_open(address);
    } catch (const asyncio::ConnectionRefusedError&) {
        ++scan.closed;
    } catch (const asyncio::OSError& error) {
        if (!is_silence(error)) throw; // no descriptors, no permission: the scan cannot go on
        ++scan.silent;
    }
}

asyncio::Coro<> work(Scan& scan) {
    while (scan.ports.first <= scan.ports.last) co_await try_port(scan, scan.ports.first++);
}

asyncio::Coro<> scan_address(std::string host, Ports ports) {
    Scan scan(std::move(host), ports);
    auto& loop = asyncio::get_running_loop();
    const auto began = loop.time();
    std::cout << scan.host << ", ports " << ports.first << " to " << ports.last << ":\n";
    std::vector<asyncio::Coro<>> workers;
    const int count = std::min(tries_at_a_time, ports.last - ports.first + 1);
    for (int i = 0; i < count; ++i) workers.push_back(work(scan));
    co_await asyncio::gather_or_cancel(std::move(workers));
    const std::chrono::duration<double> took = loop.time() - began;
    std::cout << "  " << scan.open << " open, " << scan.closed << " closed, " << scan.silent
              << " silent, in " << took.count() << " s\n";
}

/// Scans all addresses of a host: a name often has one for IPv4 and one for IPv6.
asyncio::Coro<> scan_host(std::string host, Ports ports) {
    auto& loop = asyncio::get_running_loop();
    const auto found = co_await loop.getaddrinfo(host, asyncio::Port(), AF_UNSPEC, SOCK_STREAM);
    for (const auto& info : found) co_await scan_address(info.address.host(), ports);
}

asyncio::Coro<> show() {
    auto welcome = [](asyncio::StreamReader, asyncio::StreamWriter) {};
    auto server = co_await asyncio::start_server(welcome, "127.0.0.1", 0);
    const int port = server.sockets()[0].getsockname().port();
    Ports around;
    around.first = std::max(port - 1000, 1);
    around.last = std::min(port + 1000, 65535);
    co_await scan_host("127.0.0.1", around);
    co_await server.shutdown(1s);
}

std::optional<int> port_number(std::string_view text) {
    int number = 0;
    const auto [end, error] = std::from_chars(text.begin(), text.end(), number);
    const bool is_port =
        error == std::errc() && end == text.end() && 1 <= number && number <= 65535;
    return is_port ? std::optional(number) : std::nullopt;
}

/// "22" or "1-1024"; nothing: neither.
std::optional<Ports> ports_of(std::string_view text) {
    const auto dash = text.find('-');
    const auto first = port_number(text.substr(0, dash));
    const auto last = dash == text.npos ? first : port_number(text.substr(dash + 1));
    if (!first || !last || *first > *last) return std::nullopt;
    return Ports{*first, *last};
}

int main(int argc, char* argv[]) try {
    const auto ports = argc > 2 ? ports_of(argv[2]) : Ports();
    if (argc > 3 || !ports) {
        std::clog << "usage: port_scanner HOST [FIRST-LAST]\n";
        return 2;
    }
    asyncio::run(argc > 1 ? scan_host(argv[1], *ports) : show());
} catch (const asyncio::KeyboardInterrupt&) {
    std::clog << "port_scanner: interrupted\n";
    return 130;
} catch (const std::exception& error) {
    std::clog << "port_scanner: " << error.what() << '\n';
    return 1;
}
