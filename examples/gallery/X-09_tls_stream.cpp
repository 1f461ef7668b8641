// SPDX-License-Identifier: MIT
// TLS streams: a server with a certificate, a client that checks it, two that refuse it.
// Usage: X-09_tls_stream PORT CERT.pem KEY.pem   (a self-signed certificate for localhost)
#include <asyncio/asyncio.h>
#include <ssl/ssl.h>

#include <iostream>
#include <string>

namespace ssl = asyncio::ssl;

asyncio::Coro<> handle(asyncio::StreamReader reader, asyncio::StreamWriter writer) {
    while (auto line = co_await reader.next_line()) {
        writer.write("secret " + *line);
        co_await writer.drain();
    }
    writer.close();
}

std::string common_name(const ssl::PeerCertificate& certificate) {
    for (const auto& [kind, value] : certificate.subject) {
        if (kind == "commonName") return value;
    }
    return "";
}

asyncio::Coro<> talk(std::string port, ssl::SSLContext context) {
    auto options = asyncio::ConnectOptions().ssl(context).server_hostname("localhost");
    auto [reader, writer] = co_await asyncio::open_connection("127.0.0.1", port, options);
    std::cout << "protocol: " << *writer.get_extra_info(ssl::extra::ssl_object)->version() << '\n';
    std::cout << "peer: " << common_name(*writer.get_extra_info(ssl::extra::peercert)) << '\n';
    for (const char* text : {"one\n", "二\n"}) {
        writer.write(text);
        co_await writer.drain();
        std::cout << "answer: " << co_await reader.readline();
    }
    writer.write(std::string(200'000, 'y') + "\n"); // more than one TLS record
    co_await writer.drain();
    const std::string answer = co_await reader.readexactly(200'008);
    std::cout << "long answer: " << answer.size() << " bytes\n";
    writer.close();
    co_await writer.wait_closed();
}

asyncio::Coro<> be_refused(std::string port, ssl::SSLContext context, std::string host,
                           std::string why) {
    auto options = asyncio::ConnectOptions().ssl(context).server_hostname(host);
    try {
        co_await asyncio::open_connection("127.0.0.1", port, options);
    } catch (const ssl::SSLCertVerificationError&) {
        std::cout << why << " is refused\n";
    }
}

asyncio::Coro<> main_(std::string port, std::string cert, std::string key) {
    auto server_context = ssl::create_default_context(ssl::Purpose::client_auth);
    server_context.load_cert_chain(cert, key);
    auto serving = asyncio::ServerOptions().ssl(server_context).limit(1 << 20);
    auto server = co_await asyncio::start_server(handle, "127.0.0.1", port, serving);

    auto trusted = ssl::VerifyLocations().cafile(cert);
    auto context = ssl::create_default_context(ssl::Purpose::server_auth, trusted);
    co_await talk(port, context);
    co_await be_refused(port, ssl::create_default_context(), "localhost", "an unknown issuer");
    co_await be_refused(port, context, "example.com", "a wrong host name");
    server.close();
    co_await server.wait_closed();
}

int main(int, char* argv[]) { asyncio::run(main_(argv[1], argv[2], argv[3])); }
