// SPDX-License-Identifier: MIT
// Datagrams that travel through a list of arrivals, in the order of their times.
#include "asyncio/testing/memory_datagrams.h"

#include "asyncio/base_events.h"
#include "asyncio/datagram_transports.h"

#include <algorithm>
#include <cerrno>
#include <deque>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace asyncio::testing {

namespace {

struct Packet {
    std::string data;
    Address from;
    Address to;
    bool refused = false; // an answer: nobody is there
};

void check_part(double part) {
    if (part >= 0 && part <= 1) return;
    throw ValueError("a part of all datagrams is from 0 to 1");
}

void check(const DatagramWeather& weather) {
    check_part(weather.loss());
    check_part(weather.doubling());
}

} // namespace

/// What is under way, and who is there.
class MemoryDatagrams::Net : public std::enable_shared_from_this<Net> {
public:
    Net(EventLoop& loop, const DatagramWeather& weather)
        : loop_(&loop), weather_(weather), dice_(weather.seed()) {
        check(weather);
    }

    void change(const DatagramWeather& weather) {
        check(weather);
        weather_ = weather;
        dice_.seed(weather.seed());
    }
    void add(Endpoint& endpoint);
    void remove(Endpoint& endpoint) noexcept { std::erase(endpoints_, &endpoint); }
    Endpoint* at(const Address& address) const noexcept;

    void send(const Packet& packet) {
        if (happens(weather_.loss())) return;
        put_under_way(packet);
        if (happens(weather_.doubling())) put_under_way(packet);
    }
    void put_under_way(Packet packet);
    void abort_all() noexcept;

private:
    using Arrivals = std::multimap<TimePoint, Packet>;

    bool happens(double part) { return part > 0 && uniform_(dice_) < part; }
    void arm();
    void arrive();
    void deliver(Packet packet);

    EventLoop* loop_;
    DatagramWeather weather_;
    std::mt19937_64 dice_;
    std::uniform_real_distribution<double> uniform_{0, 1};
    std::vector<Endpoint*> endpoints_; // until connection_lost()
    Arrivals under_way_;
    std::optional<TimerHandle> timer_; // for the first of them
};

/// Counts: the loop's, until connection_lost() was called; those of TransportRefs.
class MemoryDatagrams::Endpoint final : public detail::FlowControlTransport, detail::Hop {
public:
    Endpoint(EventLoop& loop, std::shared_ptr<BaseProtocol> protocol, std::shared_ptr<Net> net,
             const Address& here, const Address& peer)
        : FlowControlTransport(loop, std::move(protocol), Carries::datagrams),
          Hop([](detail::Hop* hop) { static_cast<Endpoint*>(hop)->run(); },
              [](detail::Hop* hop) noexcept { static_cast<Endpoint*>(hop)->let_go(); }),
          net_(std::move(net)), here_(here), peer_(peer) {
        net_->add(*this);
        queue();
    }

    const Address& here() const noexcept { return here_; }
    bool takes_from(const Address& sender) const noexcept { return !peer_ || peer_ == sender; }
    /// A datagram has arrived.
    void take(std::string data, const Address& from);
    /// Nobody was there for one of ours.
    void refused();

    void sendto(std::string_view data, const Address& to) override;
    void close() override {
        if (std::exchange(closing_, true)) return;
        queue();
    }
    void abort() override { close(); } // nothing waits to be sent
    bool is_closing() const noexcept override { return closing_; }
    bool is_reading() const override { return !closing_ && !paused_; }
    void pause_reading() override {
        if (is_reading()) paused_ = true;
    }
    void resume_reading() override {
        if (closing_ || !std::exchange(paused_, false)) return;
        queue();
    }
    std::size_t get_write_buffer_size() const override { return 0; }
    SendfileMode sendfile_mode() const noexcept override { return SendfileMode::unsupported; }
    std::string text() const override { return "<MemoryDatagramTransport>"; }

private:
    ~Endpoint() override = default;
    void destroy() noexcept override { delete this; }
    void find_extra_info(std::string_view name, const std::type_info& type,
                         void* into) const override {
        static_cast<void>(
            tell(extra::sockname, name, type, into, [this] { return here_; }) ||
            (peer_ && tell(extra::peername, name, type, into, [this] { return peer_; })));
    }

    void queue() noexcept {
        if (std::exchange(queued_, true)) return;
        detail::queue_hop(loop().core(), this);
    }
    void run();
    template <class F>
    void call(const char* message, F f);
    void give_kept();
    void let_go() noexcept;

    std::shared_ptr<Net> net_;
    const Address here_;
    const Address peer_;
    std::deque<Packet> kept_; // has come, and was not given
    std::size_t kept_bytes_ = 0;
    bool made_ = false;
    bool closing_ = false;
    bool paused_ = false;
    bool queued_ = false;
};

// ---- the network --------------------------------------------------------------------------------

void MemoryDatagrams::Net::add(Endpoint& endpoint) {
    if (at(endpoint.here()) != nullptr) {
        os::throw_os_error(EADDRINUSE, "bind", to_string(endpoint.here()));
    }
    endpoints_.push_back(&endpoint);
}

MemoryDatagrams::Endpoint* MemoryDatagrams::Net::at(const Address& address) const noexcept {
    const auto found = std::find_if(endpoints_.begin(), endpoints_.end(),
                                    [&](const Endpoint* one) { return one->here() == address; });
    return found != endpoints_.end() ? *found : nullptr;
}

void MemoryDatagrams::Net::put_under_way(Packet packet) {
    Duration more;
    if (weather_.jitter() > more) more = weather_.jitter().seconds() * uniform_(dice_);
    under_way_.emplace(loop_->time() + weather_.latency() + more, std::move(packet));
    arm();
}

void MemoryDatagrams::Net::arm() {
    const auto first = under_way_.begin()->first;
    if (timer_ && timer_->when() <= first) return;
    if (timer_) timer_->cancel();
    timer_ = loop_->call_at(first, [this] { arrive(); }); // LIFETIME: abort_all() cancels it
}

// All that are due, in their order.
void MemoryDatagrams::Net::arrive() {
    const std::shared_ptr<Net> stays = shared_from_this();
    timer_.reset();
    const auto now = loop_->time();
    while (!under_way_.empty() && under_way_.begin()->first <= now) {
        deliver(std::move(under_way_.extract(under_way_.begin()).mapped()));
    }
    if (!under_way_.empty()) arm();
}

void MemoryDatagrams::Net::deliver(Packet packet) {
    Endpoint* const receiver = at(packet.to);
    if (packet.refused) {
        if (receiver != nullptr) receiver->refused();
        return;
    }
    if (receiver == nullptr) return put_under_way(Packet{"", packet.to, packet.from, true});
    if (receiver->takes_from(packet.from)) receiver->take(std::move(packet.data), packet.from);
}

void MemoryDatagrams::Net::abort_all() noexcept {
    under_way_.clear();
    if (timer_) timer_->cancel();
    timer_.reset();
    if (loop_->is_closed()) return;
    for (Endpoint* endpoint : endpoints_) endpoint->abort();
}

// ---- an endpoint --------------------------------------------------------------------------------

template <class F>
void MemoryDatagrams::Endpoint::call(const char* message, F f) {
    try {
        f();
    } catch (...) {
        report_current(message);
    }
}

void MemoryDatagrams::Endpoint::run() {
    queued_ = false;
    if (!std::exchange(made_, true)) {
        call("Exception in callback connection_made()",
             [this] { protocol().connection_made(*this); });
    }
    give_kept();
    if (!closing_) return;
    if (std::exchange(queued_, true)) return; // it was closed just now
    call("Exception in callback connection_lost()",
         [this] { protocol().connection_lost(nullptr); });
    let_go();
}

void MemoryDatagrams::Endpoint::give_kept() {
    while (!kept_.empty() && is_reading()) {
        const Packet packet = std::move(kept_.front());
        kept_.pop_front();
        kept_bytes_ -= packet.data.size();
        call("Exception in callback datagram_received()",
             [&] { datagrams().datagram_received(packet.data, packet.from); });
    }
}

void MemoryDatagrams::Endpoint::take(std::string data, const Address& from) {
    if (closing_ || kept_bytes_ + data.size() > inbox_bytes) return;
    kept_bytes_ += data.size();
    kept_.push_back(Packet{std::move(data), from, here_});
    if (made_ && is_reading()) queue();
}

void MemoryDatagrams::Endpoint::refused() {
    if (closing_ || !peer_) return;
    call("Exception in callback error_received()", [this] {
        datagrams().error_received(os::os_error(ECONNREFUSED, "recvfrom", to_string(peer_)));
    });
}

void MemoryDatagrams::Endpoint::sendto(std::string_view data, const Address& to) {
    detail::check_receiver(peer_, to);
    if (closing_) return;
    const Address& receiver = peer_ ? peer_ : to;
    if (data.size() > datagram_bytes_max) {
        return call("Exception in callback error_received()", [&] {
            datagrams().error_received(os::os_error(EMSGSIZE, "sendto", to_string(receiver)));
        });
    }
    net_->send(Packet{std::string(data), here_, receiver});
}

void MemoryDatagrams::Endpoint::let_go() noexcept {
    closing_ = queued_ = true;
    net_->remove(*this);
    const std::shared_ptr<BaseProtocol> last = let_protocol_go();
    release();
}

// ---- what a test sees ---------------------------------------------------------------------------

MemoryDatagrams::MemoryDatagrams(const DatagramWeather& weather)
    : net_(std::make_shared<Net>(get_running_loop(), weather)) {}

MemoryDatagrams::~MemoryDatagrams() { net_->abort_all(); }

TransportRef MemoryDatagrams::endpoint(std::shared_ptr<BaseProtocol> protocol, const Address& here,
                                       const Address& peer) {
    return TransportRef(*new Endpoint(get_running_loop(), std::move(protocol), net_, here, peer));
}

DatagramSocket MemoryDatagrams::socket(const Address& here, const Address& peer,
                                       std::size_t limit_bytes) {
    const auto protocol = detail::new_datagram_socket_protocol(limit_bytes);
    return detail::datagram_socket_of(endpoint(protocol, here, peer), protocol);
}

void MemoryDatagrams::change(const DatagramWeather& weather) { net_->change(weather); }

} // namespace asyncio::testing
