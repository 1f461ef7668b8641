// SPDX-License-Identifier: MIT
// UDP: datagram endpoints with protocols on both sides.
// Usage: X-08_udp_echo PORT
#include <asyncio/asyncio.h>

#include <iostream>
#include <string>

#include "python_repr.h"

using namespace std::chrono_literals;

asyncio::Port port = 9999;

class EchoServer : public asyncio::DatagramProtocol {
public:
    void connection_made(asyncio::DatagramTransport& transport) override {
        transport_ = &transport;
    }
    void datagram_received(std::string_view data, const asyncio::Address& addr) override {
        std::cout << "server: " << python::repr(std::string(data.substr(0, 10))) << " from "
                  << addr.host() << '\n';
        transport_->sendto(std::string(data.rbegin(), data.rend()), addr);
    }

private:
    asyncio::DatagramTransport* transport_ = nullptr;
};

class Client : public asyncio::DatagramProtocol {
public:
    explicit Client(asyncio::Queue<std::string>& answers) : answers_(answers) {}

    void datagram_received(std::string_view data, const asyncio::Address&) override {
        answers_.put_nowait(std::string(data));
    }
    void connection_lost(std::exception_ptr exc) override {
        std::cout << "client: connection lost, " << (exc ? asyncio::message_of(exc) : "None")
                  << '\n';
    }

private:
    asyncio::Queue<std::string>& answers_;
};

asyncio::Coro<> main_() {
    auto& loop = asyncio::get_running_loop();
    auto new_server = [] { return std::make_shared<EchoServer>(); };
    auto server = co_await loop.create_datagram_endpoint(
        new_server, asyncio::DatagramOptions().local_addr("127.0.0.1", port));
    auto address = server.transport->get_extra_info(asyncio::extra::sockname).value();
    std::cout << "server listens on " << python::repr(address) << '\n';

    asyncio::Queue<std::string> answers;
    auto new_client = [&answers] { return std::make_shared<Client>(answers); };
    auto client = co_await loop.create_datagram_endpoint(
        new_client, asyncio::DatagramOptions().remote_addr("127.0.0.1", port));
    for (std::string text : {"hello", "datagram", "x"}) {
        client.transport->sendto(text);
        auto answer = co_await asyncio::wait_for(answers.get(), 5s);
        std::cout << "client: " << answer << '\n';
    }
    client.transport->sendto(std::string(8000, 'z'));
    auto answer = co_await asyncio::wait_for(answers.get(), 5s);
    std::cout << "client: " << answer.size() << " bytes\n";
    client.transport->close();
    server.transport->close();
    co_await asyncio::sleep(50ms);
}

int main(int argc, char* argv[]) {
    if (argc > 1) port = argv[1];
    asyncio::run(main_());
}
