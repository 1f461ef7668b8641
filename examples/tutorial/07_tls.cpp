// SPDX-License-Identifier: MIT
// Tutorial, chapter 7: TLS. A server with a certificate, clients that check it, STARTTLS.
#include <aiofiles/tempfile.h>
#include <asyncio/asyncio.h>
#include <ssl/ssl.h>

#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;
namespace ssl = asyncio::ssl;

// Whoever runs a server has a certificate; this one is made for localhost, for a day.
void make_certificate(const std::string& folder) {
    const std::string command =
        "cd " + folder +
        " && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1"
        " -nodes -days 1 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
        " -keyout key.pem -out cert.pem >openssl.log 2>&1";
    if (std::system(command.c_str()) != 0) throw std::runtime_error("openssl has failed");
}

// [server]
asyncio::Coro<> echo(asyncio::StreamReader reader, asyncio::StreamWriter writer) {
    while (auto line = co_await reader.next_line()) {
        writer.write(*line);
        co_await writer.drain();
    }
    writer.close();
    co_await writer.wait_closed();
}

asyncio::Coro<asyncio::Server> start_tls_server(std::string cert, std::string key) {
    auto context = ssl::create_default_context(ssl::Purpose::client_auth);
    context.load_cert_chain(cert, key);
    auto options = asyncio::ServerOptions().ssl(context);
    co_return co_await asyncio::start_server(echo, "127.0.0.1", 0, options);
}
// [/server]

// [client]
asyncio::Coro<> say_hello(asyncio::Port port, std::string trusted) {
    auto context = ssl::create_default_context(); // verifies certificate and host name
    context.load_verify_locations(trusted); // ours is not among those that the system trusts
    auto options = asyncio::ConnectOptions().ssl(context).server_hostname("localhost");
    auto [reader, writer] = co_await asyncio::open_connection("127.0.0.1", port, options);
    writer.write("hello\n");
    co_await writer.drain();
    std::cout << "answer: " << co_await reader.readline();

    const auto cipher = writer.get_extra_info(ssl::extra::cipher);
    std::cout << "encrypted: " << (cipher ? "yes" : "no") << '\n';
    writer.close();
    co_await writer.wait_closed();
}
// [/client]

// [refuse]
asyncio::Coro<> refuse_a_stranger(asyncio::Port port) {
    auto context = ssl::create_default_context(); // does not know who has signed
    auto options = asyncio::ConnectOptions().ssl(context).server_hostname("localhost");
    try {
        co_await asyncio::open_connection("127.0.0.1", port, options);
    } catch (const ssl::SSLCertVerificationError& error) {
        std::cout << "refused: " << error.verify_message() << '\n';
    }
}
// [/refuse]

// [upgrade]
class Upgrading {
public:
    explicit Upgrading(ssl::SSLContext context) : context_(std::move(context)) {}

    asyncio::Coro<> serve(asyncio::StreamReader reader, asyncio::StreamWriter writer) const {
        const std::string command = co_await reader.readline();
        if (command == "STARTTLS\n") {
            writer.write("go ahead\n");
            co_await writer.drain();
            co_await writer.start_tls(context_); // the same reader and writer, encrypted from here
            writer.write("secret: " + co_await reader.readline());
            co_await writer.drain();
        }
        writer.close();
    }

private:
    ssl::SSLContext context_;
};

asyncio::Coro<> upgrade(asyncio::Port port, ssl::SSLContext context) {
    auto [reader, writer] = co_await asyncio::open_connection("127.0.0.1", port);
    writer.write("STARTTLS\n");
    co_await reader.readline(); // go ahead
    auto options = asyncio::StartTlsOptions().server_hostname("localhost");
    co_await writer.start_tls(context, options);
    writer.write("1234\n");
    std::cout << co_await reader.readline();
    writer.close();
    co_await writer.wait_closed();
}
// [/upgrade]

asyncio::Coro<> start_in_the_clear(std::string cert, std::string key) {
    auto context = ssl::create_default_context(ssl::Purpose::client_auth);
    context.load_cert_chain(cert, key);
    const Upgrading upgrading(context);
    auto serve = [&](asyncio::StreamReader reader, asyncio::StreamWriter writer) {
        return upgrading.serve(std::move(reader), std::move(writer));
    };
    auto server = co_await asyncio::start_server(serve, "127.0.0.1", 0);
    auto trusting = ssl::create_default_context();
    trusting.load_verify_locations(cert);
    co_await upgrade(server.sockets()[0].getsockname().port(), trusting);
    co_await server.shutdown(1s);
}

asyncio::Coro<> main_() {
    auto folder = co_await aiofiles::tempfile::TemporaryDirectory();
    make_certificate(folder.name());
    const std::string cert = folder.name() + "/cert.pem";
    const std::string key = folder.name() + "/key.pem";
    auto server = co_await start_tls_server(cert, key);
    const asyncio::Port port = server.sockets()[0].getsockname().port();
    co_await say_hello(port, cert);
    co_await refuse_a_stranger(port);
    co_await server.shutdown(1s);
    co_await start_in_the_clear(cert, key);
    co_await folder.cleanup();
}

int main() { asyncio::run(main_()); }
