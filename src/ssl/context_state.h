// SPDX-License-Identifier: MIT
// What is behind an SSLContext.
#pragma once

#include "ssl/context.h"
#include "ssl/openssl.h"

namespace asyncio::ssl::detail {

class ContextState final : public TlsContext, public std::enable_shared_from_this<ContextState> {
public:
    explicit ContextState(Side side);

    std::unique_ptr<TlsEngine> wrap(bool server_side,
                                    const std::string& server_hostname) const override;

    SSL_CTX* get() const noexcept { return context_.get(); }
    SSLContext handle() const {
        return SSLContext(std::const_pointer_cast<ContextState>(shared_from_this()));
    }

    const Side side;
    bool check_hostname;
    std::string alpn; // as it goes over the wire: each name behind its length
    SSLContext::SniCallback sni_callback;

private:
    OwnedContext context_;
};

} // namespace asyncio::ssl::detail
