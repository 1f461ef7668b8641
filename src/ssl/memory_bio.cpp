// SPDX-License-Identifier: MIT
// A BIO of OpenSSL over a byte buffer.
#include "ssl/memory_bio.h"

#include "ssl/openssl.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace asyncio::ssl {

std::string MemoryBIO::read(std::ptrdiff_t bytes) const {
    const std::size_t most = bytes < 0 ? pending() : static_cast<std::size_t>(bytes);
    std::string taken(view().substr(0, most));
    consume(taken.size());
    return taken;
}

std::size_t MemoryBIO::write(std::string_view bytes) const {
    if (state_->ended) throw ValueError("cannot write() after write_eof()");
    state_->bytes.append(bytes);
    return bytes.size();
}

/// OpenSSL calls these; nothing may be thrown through it.
struct MemoryBIO::Callbacks {
    static std::shared_ptr<State>* held(BIO* bio) noexcept {
        return static_cast<std::shared_ptr<State>*>(BIO_get_data(bio));
    }

    static int read(BIO* bio, char* into, int size) noexcept {
        State& state = **held(bio);
        BIO_clear_retry_flags(bio);
        if (state.bytes.empty()) {
            if (state.ended) return 0;
            BIO_set_retry_read(bio);
            return -1;
        }
        const std::size_t bytes = std::min(state.bytes.size(), static_cast<std::size_t>(size));
        std::memcpy(into, state.bytes.data(), bytes);
        state.take(bytes);
        return static_cast<int>(bytes);
    }

    static int write(BIO* bio, const char* from, int size) noexcept {
        BIO_clear_retry_flags(bio);
        try {
            (*held(bio))->bytes.append({from, static_cast<std::size_t>(size)});
        } catch (const std::bad_alloc&) {
            ERR_raise(ERR_LIB_BIO, ERR_R_MALLOC_FAILURE);
            return -1;
        }
        return size;
    }

    static long control(BIO* bio, int command, long, void*) noexcept {
        const State& state = **held(bio);
        switch (command) {
        case BIO_CTRL_EOF: return state.ended && state.bytes.empty() ? 1 : 0;
        case BIO_CTRL_PENDING: return static_cast<long>(state.bytes.size());
        case BIO_CTRL_FLUSH:
        case BIO_CTRL_DUP: return 1;
        default: return 0;
        }
    }

    static int destroy(BIO* bio) noexcept {
        delete held(bio);
        return 1;
    }

    static BIO_METHOD* method() {
        static BIO_METHOD* const made = [] {
            BIO_METHOD* kind = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "memory");
            if (kind == nullptr) throw std::bad_alloc();
            BIO_meth_set_read(kind, &read);
            BIO_meth_set_write(kind, &write);
            BIO_meth_set_ctrl(kind, &control);
            BIO_meth_set_destroy(kind, &destroy);
            return kind;
        }();
        return made;
    }
};

BIO* MemoryBIO::bio() const {
    auto held = std::make_unique<std::shared_ptr<State>>(state_);
    BIO* bio = BIO_new(Callbacks::method());
    if (bio == nullptr) throw std::bad_alloc();
    BIO_set_data(bio, held.release());
    BIO_set_init(bio, 1);
    return bio;
}

} // namespace asyncio::ssl
