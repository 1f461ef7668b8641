// SPDX-License-Identifier: MIT
// What a DatagramSocket keeps, between its transport and its tasks.
#include "asyncio/datagram_sockets.h"

#include "asyncio/locks.h"
#include "asyncio/protocols.h"
#include "asyncio/queues.h"

#include <variant>

namespace asyncio {

namespace detail {

namespace {

using Arrival = std::variant<Datagram, std::exception_ptr>;

constexpr std::size_t arrival_bytes = 128; // what each that is kept counts besides: an address

std::size_t size_of(const Arrival& arrival) noexcept {
    const Datagram* datagram = std::get_if<Datagram>(&arrival);
    return arrival_bytes + (datagram != nullptr ? datagram->data.size() : 0);
}

/// Keeps what comes until a task takes it.
class DatagramSocketProtocol final : public DatagramProtocol {
public:
    explicit DatagramSocketProtocol(std::size_t limit_bytes) : limit_(limit_bytes) {
        writable.set();
    }

    void connection_made(Transport& transport) override {
        transport_ = &transport;
        transport.set_write_buffer_limits(0);
    }
    void connection_lost(std::exception_ptr) override {
        transport_ = nullptr;
        arrivals.shutdown();
        writable.set();
    }
    void datagram_received(std::string_view data, const os::Address& from) override {
        keep(Datagram{std::string(data), from});
    }
    void error_received(std::exception_ptr error) override {
        if (sending_) {
            refusal_ = std::move(error);
        } else {
            keep(std::move(error));
        }
    }
    void pause_writing() override { writable.clear(); }
    void resume_writing() override { writable.set(); }

    /// Sends, and throws what the system says to it.
    void send(DatagramTransport& transport, std::string_view data, const Address& to) {
        struct Sending {
            bool& flag;
            explicit Sending(bool& on) : flag(on) { flag = true; }
            ~Sending() { flag = false; }
        };
        {
            const Sending sending(sending_);
            transport.sendto(data, to);
        }
        if (refusal_ != nullptr) std::rethrow_exception(std::exchange(refusal_, nullptr));
    }
    void taken(const Arrival& arrival) {
        kept_ -= size_of(arrival);
        if (kept_ <= limit_ && transport_ != nullptr) transport_->resume_reading();
    }

    Queue<Arrival> arrivals; // shut down when no more will come
    Event writable;          // the kernel has all that was sent

private:
    void keep(Arrival arrival) {
        const std::size_t size = size_of(arrival);
        arrivals.put_nowait(std::move(arrival));
        kept_ += size;
        if (kept_ > limit_ && transport_ != nullptr) transport_->pause_reading();
    }

    const std::size_t limit_;
    std::size_t kept_ = 0;
    Transport* transport_ = nullptr; // LIFETIME: until connection_lost()
    std::exception_ptr refusal_;
    bool sending_ = false; // an error that is told now is of what is being sent
};

[[noreturn]] void throw_closed(const char* call) {
    os::throw_os_error(EBADF, call, "closed DatagramSocket");
}

} // namespace

/// What handles share. The last one closes the transport.
class DatagramSocketState {
public:
    DatagramSocketState(TransportRef to, std::shared_ptr<DatagramSocketProtocol> its_protocol)
        : transport(std::move(to)), protocol(std::move(its_protocol)) {}
    DatagramSocketState(const DatagramSocketState&) = delete;
    DatagramSocketState& operator=(const DatagramSocketState&) = delete;
    ~DatagramSocketState() { transport->close(); }

    const TransportRef transport;
    const std::shared_ptr<DatagramSocketProtocol> protocol;
};

namespace {

using State = std::shared_ptr<DatagramSocketState>;

Coro<Datagram> receive(State state) {
    Outcome<Arrival> next = co_await outcome(state->protocol->arrivals.get());
    if (is_exception<QueueShutDown>(next.exception())) throw_closed("recvfrom");
    Arrival arrival = std::move(next).value();
    state->protocol->taken(arrival);
    if (const auto* error = std::get_if<std::exception_ptr>(&arrival)) {
        std::rethrow_exception(*error);
    }
    co_return std::get<Datagram>(std::move(arrival));
}

Coro<> send(State state, std::string data, Address to) {
    if (state->transport->is_closing()) throw_closed("sendto");
    state->protocol->send(*state->transport, data, to);
    co_await state->protocol->writable.wait();
}

} // namespace

std::shared_ptr<BaseProtocol> new_datagram_socket_protocol(std::size_t limit_bytes) {
    return std::make_shared<DatagramSocketProtocol>(limit_bytes);
}

DatagramSocket datagram_socket_of(const TransportRef& transport,
                                  const std::shared_ptr<BaseProtocol>& protocol) {
    try {
        return DatagramSocket(std::make_shared<DatagramSocketState>(
            transport, std::static_pointer_cast<DatagramSocketProtocol>(protocol)));
    } catch (const std::bad_alloc&) {
        transport->close(); // nobody will get it
        throw;
    }
}

} // namespace detail

Coro<Datagram> DatagramSocket::recvfrom() const { return detail::receive(state_); }
Coro<> DatagramSocket::sendto(std::string data, Address to) const {
    return detail::send(state_, std::move(data), to);
}
void DatagramSocket::close() const { state_->transport->close(); }
bool DatagramSocket::is_closing() const noexcept { return state_->transport->is_closing(); }
Address DatagramSocket::sockname() const {
    return transport().get_extra_info(extra::sockname, Address());
}
Address DatagramSocket::peername() const {
    return transport().get_extra_info(extra::peername, Address());
}
DatagramTransport& DatagramSocket::transport() const noexcept { return *state_->transport; }

Coro<DatagramSocket> open_datagram_socket(DatagramOptions options) {
    EventLoop& loop = get_running_loop();
    auto protocol = detail::new_datagram_socket_protocol(options.limit());
    auto factory = [protocol] { return protocol; };
    auto made = co_await loop.create_datagram_endpoint(factory, std::move(options));
    co_return detail::datagram_socket_of(made.transport, protocol);
}

} // namespace asyncio
