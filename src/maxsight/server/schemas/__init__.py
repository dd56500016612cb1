"""The models of the API: requests and answers, as OpenAPI describes them."""
