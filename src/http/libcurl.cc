#include "http/libcurl.h"

#include <cstdlib>
#include <filesystem>

namespace refsyncd {

void initialise_libcurl() {
  static const auto result = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (result != CURLE_OK) throw Error(ErrorKind::internal, "starting libcurl failed");
}

std::string authorities_file(const std::string& configured) {
  if (!configured.empty()) return configured;
  for (const auto* variable : {"CURL_CA_BUNDLE", "SSL_CERT_FILE"}) {
    const auto* named = std::getenv(variable);  // NOLINT(concurrency-mt-unsafe): nobody sets variables
    if (named != nullptr && *named != '\0') return named;
  }
  const auto* system = curl_version_info(CURLVERSION_NOW)->cainfo;
  std::error_code unclear;
  return system != nullptr && std::filesystem::exists(system, unclear) ? system : "";
}

void set_request(const Transfer& transfer, const std::string& url, const std::string& method,
                 const std::string& body) {
  set(transfer, CURLOPT_URL, url.c_str());
  set(transfer, CURLOPT_PROTOCOLS_STR, "http,https");
  set(transfer, CURLOPT_NOSIGNAL, 1L);
  if (!body.empty() || method == "POST") {
    set(transfer, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    set(transfer, CURLOPT_POSTFIELDS, body.data());
  }
  if (method == "HEAD") {
    set(transfer, CURLOPT_NOBODY, 1L);
  } else {
    set(transfer, CURLOPT_CUSTOMREQUEST, method.c_str());
  }
}

std::string part_of(const Url& url, CURLUPart part, unsigned flags) {
  char* text = nullptr;
  if (curl_url_get(url.get(), part, &text, flags) != CURLUE_OK) return "";
  return Owned<char, curl_free>(text).get();
}

int status_of(const Transfer& transfer) {
  long status = 0;
  curl_easy_getinfo(transfer.get(), CURLINFO_RESPONSE_CODE, &status);
  return static_cast<int>(status);
}

std::string header_of(const Transfer& transfer, const char* name) {
  curl_header* header = nullptr;
  const auto result = curl_easy_header(transfer.get(), name, 0, CURLH_HEADER, -1, &header);
  return result == CURLHE_OK ? header->value : "";
}

std::string redirect_of(const Transfer& transfer) {
  const char* location = nullptr;
  curl_easy_getinfo(transfer.get(), CURLINFO_REDIRECT_URL, &location);
  return location == nullptr ? "" : location;
}

int proxy_status_of(const Transfer& transfer) {
  long status = 0;
  curl_easy_getinfo(transfer.get(), CURLINFO_HTTP_CONNECTCODE, &status);
  return static_cast<int>(status);
}

int connect_problem(const Transfer& transfer) {
  long problem = 0;
  curl_easy_getinfo(transfer.get(), CURLINFO_OS_ERRNO, &problem);
  return static_cast<int>(problem);
}

ErrorKind kind_of(CURLcode result) {
  switch (result) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_SSL_CACERT_BADFILE: return ErrorKind::bad_config;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS: return ErrorKind::untrusted;
    case CURLE_OUT_OF_MEMORY: return ErrorKind::internal;
    default: return ErrorKind::transient;
  }
}

}  // namespace refsyncd
