// SPDX-License-Identifier: MIT
// Tutorial, chapter 5: protocols and transports, what streams are made of.
#include <asyncio/asyncio.h>

#include <array>
#include <iostream>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>

using namespace std::chrono_literals;

// [echo]
class Echo : public asyncio::Protocol {
public:
    void connection_made(asyncio::Transport& transport) override { transport_ = &transport; }
    void data_received(std::string_view data) override { transport_->write(data); }

private:
    asyncio::Transport* transport_ = nullptr; // LIFETIME: until connection_lost
};
// [/echo]

// [client]
class Question : public asyncio::Protocol {
public:
    explicit Question(std::string text) : text_(std::move(text)) {}

    void connection_made(asyncio::Transport& transport) override {
        transport.write(text_);
        transport.write_eof();
    }
    void data_received(std::string_view data) override { answer_ += data; } // in pieces of any size
    void connection_lost(std::exception_ptr error) override {
        if (answered.done()) return; // whoever waited was cancelled
        if (error) {
            answered.set_exception(error);
        } else {
            answered.set_result(answer_);
        }
    }

    asyncio::Future<std::string> answered;

private:
    std::string text_;
    std::string answer_;
};
// [/client]

// [connect]
asyncio::Coro<> question_and_answer() {
    auto& loop = asyncio::get_running_loop();
    auto make_echo = [] { return std::make_shared<Echo>(); };
    auto server = co_await loop.create_server(make_echo, "127.0.0.1", 0);
    auto port = server.sockets()[0].getsockname().port();

    auto make_question = [] { return std::make_shared<Question>("who is there?"); };
    auto made = co_await loop.create_connection(make_question, "127.0.0.1", port);
    std::cout << co_await made.protocol->answered << '\n';
    co_await server.shutdown(1s);
}
// [/connect]

// [lines]
class Lines : public asyncio::Protocol {
public:
    void connection_made(asyncio::Transport& transport) override { transport_ = &transport; }
    void data_received(std::string_view data) override {
        pending_ += data;
        std::size_t end = 0;
        while ((end = pending_.find('\n')) != pending_.npos) {
            line_received(pending_.substr(0, end));
            pending_.erase(0, end + 1);
        }
        if (pending_.size() > line_bytes_max) transport_->abort(); // no peer may fill our memory
    }

private:
    static constexpr std::size_t line_bytes_max = 64 * 1024;

    void line_received(const std::string& line) { std::cout << "line: " << line << '\n'; }

    asyncio::Transport* transport_ = nullptr; // LIFETIME: until connection_lost
    std::string pending_; // the beginning of a line
};
// [/lines]

// [source]
class Source : public asyncio::Protocol {
public:
    void connection_made(asyncio::Transport& transport) override {
        transport_ = &transport;
        transport.set_write_buffer_limits(100'000); // paused above, resumed at a quarter of it
        send();
    }
    void pause_writing() override { paused_ = true; } // comes from inside write()
    void resume_writing() override {
        paused_ = false;
        send();
    }

private:
    void send() {
        while (!paused_ && left_ > 0) {
            transport_->write(std::string(10'000, 'x'));
            --left_;
        }
        if (left_ == 0) transport_->close(); // sends what is buffered first
    }

    asyncio::Transport* transport_ = nullptr; // LIFETIME: until connection_lost
    int left_ = 500;
    bool paused_ = false;
};
// [/source]

// [buffered]
class Count : public asyncio::BufferedProtocol {
public:
    std::span<std::byte> get_buffer(std::ptrdiff_t) override { return buffer_; }
    void buffer_updated(std::size_t bytes) override { total_ += bytes; }
    void connection_lost(std::exception_ptr) override { counted.set_result(total_); }

    asyncio::Future<std::size_t> counted;

private:
    std::array<std::byte, 16 * 1024> buffer_;
    std::size_t total_ = 0;
};
// [/buffered]

asyncio::Coro<> source_and_count() {
    auto& loop = asyncio::get_running_loop();
    auto make_source = [] { return std::make_shared<Source>(); };
    auto server = co_await loop.create_server(make_source, "127.0.0.1", 0);
    auto port = server.sockets()[0].getsockname().port();
    auto make_count = [] { return std::make_shared<Count>(); };
    auto made = co_await loop.create_connection(make_count, "127.0.0.1", port);
    const std::size_t counted = co_await made.protocol->counted;
    std::cout << "counted " << counted << " bytes\n";
    co_await server.shutdown(1s);
}

// [extra]
void describe(const asyncio::Transport& transport) {
    asyncio::Address peer = transport.get_extra_info(asyncio::extra::peername, asyncio::Address());
    std::cout << "connected to " << peer.host() << '\n';
    if (auto socket = transport.get_extra_info(asyncio::extra::socket)) { // nothing: it has none
        std::cout << "TCP_NODELAY " << socket->getsockopt(IPPROTO_TCP, TCP_NODELAY) << '\n';
        socket->setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1);
    }
}
// [/extra]

// [in_pieces]
asyncio::Coro<> in_pieces() {
    auto& loop = asyncio::get_running_loop();
    auto make_lines = [] { return std::make_shared<Lines>(); };
    auto server = co_await loop.create_server(make_lines, "127.0.0.1", 0);
    auto port = server.sockets()[0].getsockname().port();
    auto [reader, writer] = co_await asyncio::open_connection("127.0.0.1", port);
    describe(writer.transport());
    writer.write("one line in ");
    co_await asyncio::sleep(0.01s);
    writer.write("two pieces\nand another\n");
    writer.close();
    co_await writer.wait_closed();
    co_await server.shutdown(1s);
}
// [/in_pieces]

asyncio::Coro<> main_() {
    co_await question_and_answer();
    co_await in_pieces();
    co_await source_and_count();
}

int main() { asyncio::run(main_()); }
