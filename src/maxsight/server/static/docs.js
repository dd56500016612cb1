// The API's documentation: Swagger UI over /openapi.json.

const headers = { "X-Requested-With": "maxsight" }; // the server refuses changes without it

window.SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#api",
  deepLinking: true,
  validatorUrl: null,
  requestInterceptor: (request) => ({ ...request, headers: { ...request.headers, ...headers } }),
});
