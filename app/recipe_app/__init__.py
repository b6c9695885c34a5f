"""The product recipe-app: recipes written from ingredients, their videos, an API, a page and two queues."""
