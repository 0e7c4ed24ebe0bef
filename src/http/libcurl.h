#pragma once
#include <curl/curl.h>
#include <fmt/format.h>

#include <string>

#include "base/error.h"
#include "base/handle.h"

namespace refsyncd {

using Transfer = Owned<CURL, curl_easy_cleanup>;
using Url = Owned<CURLU, curl_url_cleanup>;
using HeaderList = Owned<curl_slist, curl_slist_free_all>;

/// libcurl's process-wide state, set up at the first call and kept. Throws Error(internal).
void initialise_libcurl();

/// The PEM file of the authorities to trust: the configured one, or what CURL_CA_BUNDLE or else SSL_CERT_FILE
/// names, or else the system's authorities in one file, which is read once where a folder of them is read for
/// each connection.
/// "" = what the TLS library knows.
std::string authorities_file(const std::string& configured);

/// curl_easy_setopt. Throws Error(internal) when libcurl does not know the option or is out of memory.
template <class Value>
void set(const Transfer& transfer, CURLoption option, Value value) {
  const auto result = curl_easy_setopt(transfer.get(), option, value);
  if (result != CURLE_OK) {
    throw Error(ErrorKind::internal, fmt::format("preparing an HTTP call: {}", curl_easy_strerror(result)));
  }
}

/// What every transfer has in common: URL, http and https alone, no signals, the method and the body, which
/// must outlive the transfer. It is sent when not empty, or when the method is POST.
void set_request(const Transfer& transfer, const std::string& url, const std::string& method,
                 const std::string& body);

/// A part of a URL, "" when it has none; `flags` are those of curl_url_get().
std::string part_of(const Url& url, CURLUPart part, unsigned flags = 0);

/// The answer's status, 0 when there is none.
int status_of(const Transfer& transfer);
/// The answer's first header of that name, whatever its case; "" when there is none.
std::string header_of(const Transfer& transfer, const char* name);
/// Where an answer of 3xx points, made absolute; "" when nowhere.
std::string redirect_of(const Transfer& transfer);
/// The status with which a proxy answered the wish for a tunnel; 0 when none was asked.
int proxy_status_of(const Transfer& transfer);
/// Why connecting failed, as errno has it; 0 when that is unknown.
int connect_problem(const Transfer& transfer);

/// What a failed transfer means; a failed connection counts as transient.
ErrorKind kind_of(CURLcode result);

}  // namespace refsyncd
