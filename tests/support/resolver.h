// SPDX-License-Identifier: MIT
// A resolver that answers as a test wants, without a network.
#pragma once

#include "os/resolver.h"
#include "support/system_calls.h"

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <netdb.h>
#include <netinet/in.h>
#include <string>
#include <utility>
#include <vector>

namespace support {

/// While it lives, getaddrinfo() knows the names it was told, and no other.
///
/// Thread    know() before the first look-up.
class FakeResolver {
public:
    FakeResolver() {
        active() = this;
        asyncio::os::system_calls.getaddrinfo = &answer;
        asyncio::os::system_calls.freeaddrinfo = &forget;
    }
    FakeResolver(const FakeResolver&) = delete;
    FakeResolver& operator=(const FakeResolver&) = delete;
    ~FakeResolver() {
        release();
        wait_until_idle(); // whoever is in a look-up uses this
        active() = nullptr;
    }

    /// `name` has these addresses, in this order; none: the list is empty.
    void know(const std::string& name, std::vector<std::string> addresses) {
        names_[name] = std::move(addresses);
    }
    /// Look-ups wait until release().
    void hold() {
        gate_.lock();
        held_ = true;
    }
    void release() {
        if (std::exchange(held_, false)) gate_.unlock();
    }

    /// Returns when no look-up is under way, and every answer was freed.
    void wait_until_idle() {
        std::unique_lock lock(idle_mutex_);
        idle_.wait(lock, [this] { return working.load() == 0 && live.load() == 0; });
    }
    /// The one that lives.
    static FakeResolver& current() { return *active(); }

    std::atomic<int> asked{0};   // how often a look-up was begun
    std::atomic<int> working{0}; // how many are under way
    std::atomic<int> live{0};    // answers that were not freed

private:
    static FakeResolver*& active() {
        static FakeResolver* resolver = nullptr;
        return resolver;
    }

    static int answer(const char* host, const char* service, const addrinfo* hints,
                      addrinfo** result) {
        FakeResolver& self = *active();
        ++self.asked;
        ++self.working;
        struct Leave {
            FakeResolver& resolver;
            ~Leave() { resolver.ended(resolver.working); }
        } leave{self};
        {
            const std::scoped_lock wait(self.gate_);
        }
        const auto known = self.names_.find(host != nullptr ? host : "");
        if (known == self.names_.end()) return EAI_NONAME;
        *result = nullptr;
        for (auto text = known->second.rbegin(); text != known->second.rend(); ++text) {
            const auto port = static_cast<std::uint16_t>(
                service != nullptr ? std::strtoul(service, nullptr, 10) : 0);
            const auto address = *asyncio::os::Address::from_literal(*text, port);
            if (hints->ai_family != AF_UNSPEC && hints->ai_family != address.family()) continue;
            *result = self.make(address, *hints, *result);
        }
        return 0;
    }
    // One less of a kind. This may go as soon as there is none left.
    void ended(std::atomic<int>& count) {
        const std::scoped_lock lock(idle_mutex_);
        if (--count == 0) idle_.notify_all();
    }
    addrinfo* make(const asyncio::os::Address& address, const addrinfo& hints, addrinfo* next) {
        auto* info = static_cast<addrinfo*>(std::calloc(1, sizeof(addrinfo) + address.size()));
        info->ai_family = address.family();
        info->ai_socktype = hints.ai_socktype;
        info->ai_protocol = hints.ai_protocol;
        info->ai_addrlen = address.size();
        info->ai_addr = reinterpret_cast<sockaddr*>(info + 1);
        std::memcpy(info->ai_addr, address.data(), address.size());
        info->ai_next = next;
        ++live;
        return info;
    }
    static void forget(addrinfo* info) {
        while (info != nullptr) {
            addrinfo* const next = info->ai_next;
            std::free(info);
            active()->ended(active()->live);
            info = next;
        }
    }

    KeepSystemCalls keep_;
    std::map<std::string, std::vector<std::string>> names_;
    std::mutex gate_;
    std::mutex idle_mutex_;
    std::condition_variable idle_;
    bool held_ = false;
};

} // namespace support
