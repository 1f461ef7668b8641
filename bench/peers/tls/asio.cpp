// SPDX-License-Identifier: MIT
// asio's coroutines over asio::ssl. asio PORT CERT KEY
#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <unistd.h>
#include <vector>

namespace net = boost::asio;
using net::ip::tcp;
using Executor = net::io_context::executor_type; // known when it is built: faster
using Socket = net::basic_stream_socket<tcp, Executor>;
template <class T>
using Awaitable = net::awaitable<T, Executor>;

namespace {

constexpr unsigned seconds_max = 900;
constexpr net::use_awaitable_t<Executor> token;

Awaitable<void> echo(Socket socket, net::ssl::context& context) {
    boost::system::error_code error;
    auto quietly = net::redirect_error(token, error);
    net::ssl::stream<Socket> stream(std::move(socket), context);
    co_await stream.async_handshake(net::ssl::stream_base::server, quietly);
    std::vector<char> buffer(64 * 1024);
    while (!error) {
        const std::size_t bytes = co_await stream.async_read_some(net::buffer(buffer), quietly);
        if (error) co_return;
        co_await net::async_write(stream, net::buffer(buffer.data(), bytes), quietly);
    }
}

Awaitable<void> serve(net::io_context& loop, std::uint16_t port, net::ssl::context& context) {
    net::basic_socket_acceptor<tcp, Executor> acceptor(
        loop, tcp::endpoint(net::ip::address_v4::loopback(), port));
    acceptor.listen(4096);
    for (;;) {
        Socket socket = co_await acceptor.async_accept(loop, token);
        socket.set_option(tcp::no_delay(true));
        net::co_spawn(loop.get_executor(), echo(std::move(socket), context), net::detached);
    }
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    ::alarm(seconds_max);
    net::ssl::context context(net::ssl::context::tls_server);
    context.use_certificate_chain_file(argv[2]);
    context.use_private_key_file(argv[3], net::ssl::context::pem);
    net::io_context loop(1);
    net::co_spawn(loop.get_executor(),
                  serve(loop, static_cast<std::uint16_t>(std::atoi(argv[1])), context),
                  net::detached);
    loop.run();
}
