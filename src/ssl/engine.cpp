// SPDX-License-Identifier: MIT
// What transports are given: an SSLObject with buffers of its own.
#include "ssl/extra_info.h"
#include "ssl/object_state.h"

namespace asyncio::ssl::detail {

namespace {

class Engine final : public TlsEngine {
public:
    Engine(const SSLContext& context, bool server_side, const std::string& server_hostname)
        : object_(make_object(context, incoming_, outgoing_, server_side, server_hostname)) {}

    void resume(const SSLSession& session) {
        ERR_clear_error();
        if (SSL_set_session(object_.state().get(), session.get()) != 1) throw_queued("session");
    }

    void set_peer(std::string peer) override { object_.state().peer = std::move(peer); }
    void feed(std::string_view bytes) override { incoming_.write(bytes); }
    void feed_eof() override { incoming_.write_eof(); }
    std::size_t fed_size() const noexcept override {
        return incoming_.pending() + object_.pending();
    }
    std::string_view outgoing() const noexcept override { return outgoing_.view(); }
    void consume_outgoing(std::size_t bytes) noexcept override { outgoing_.consume(bytes); }

    bool do_handshake() override {
        done_ = object_.do_handshake();
        return done_;
    }
    std::optional<std::size_t> read(std::span<char> into) override { return object_.read(into); }
    std::size_t write(std::string_view plain) override { return object_.write(plain); }
    bool unwrap() override { return object_.unwrap(); }

    bool find_extra_info(std::string_view name, const std::type_info& type,
                         void* into) const override {
        if (tell(extra::sslcontext, name, type, into, [this] { return object_.context(); })) {
            return true;
        }
        return done_ &&
               (tell(extra::ssl_object, name, type, into, [this] { return object_; }) ||
                tell(extra::peercert, name, type, into, [this] { return object_.getpeercert(); }) ||
                tell(extra::cipher, name, type, into, [this] { return object_.cipher(); }));
    }

private:
    template <class T, class F>
    static bool tell(ExtraInfo<T> key, std::string_view name, const std::type_info& type,
                     void* into, F&& value) {
        if (name != key.name || type != typeid(T)) return false;
        *static_cast<std::optional<T>*>(into) = value();
        return true;
    }

    MemoryBIO incoming_;
    MemoryBIO outgoing_;
    SSLObject object_;
    bool done_ = false; // the handshake
};

} // namespace

SSLObject make_object(const SSLContext& context, const MemoryBIO& incoming,
                      const MemoryBIO& outgoing, bool server_side,
                      const std::string& server_hostname) {
    return SSLObject(std::make_shared<SSLObject::State>(context, incoming, outgoing, server_side,
                                                        server_hostname));
}

std::unique_ptr<TlsEngine> make_engine(const SSLContext& context, bool server_side,
                                       const std::string& server_hostname,
                                       const SSLSession* session) {
    auto engine = std::make_unique<Engine>(context, server_side, server_hostname);
    if (session != nullptr) engine->resume(*session);
    return engine;
}

} // namespace asyncio::ssl::detail
